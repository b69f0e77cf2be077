import { endpointFault } from './endpoint.js'
import type { Fault } from './faults.js'
import { sameJson } from './json.js'
import type { Attach, Instance, ProtocolSetting } from './model.js'
import { instanceIdFault, profileNameFault, regionFault, templateNameFault } from './names.js'

/** An instance as a source wants it: what discovery, a file or a registration hands to the registry. */
export interface InstanceSpec {
  readonly template: string
  /** Absent: the registry gives `<template>-<n>`, the first free one, and recognises it by its attachment later. */
  readonly id?: string | undefined
  readonly attach: Attach
  readonly protocol: ProtocolSetting
  /** Finite, >= 0. */
  readonly weight: number
  readonly maxInFlight?: number | undefined
  readonly region?: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Says what is wrong with a spec that did not come through a parser (discovery reads labels of other systems). */
export function specFaults(spec: InstanceSpec): Fault[] {
  const checks: [string, string | undefined][] = [
    ['template', templateNameFault(spec.template)],
    ['id', spec.id === undefined ? undefined : instanceIdFault(spec.id)],
    ['endpoint', spec.attach.kind === 'http' ? endpointFault(spec.attach.url) : undefined],
    ['profile', spec.attach.kind === 'profile' ? profileNameFault(spec.attach.profile) : undefined],
    ['region', spec.region === undefined ? undefined : regionFault(spec.region)],
    ['weight', Number.isFinite(spec.weight) && spec.weight >= 0 ? undefined : 'expected a finite number of at least 0'],
  ]
  return checks.flatMap(([path, message]) => (message === undefined ? [] : [{ path, message }]))
}

/** True when the instance is what the spec asks for. Overrides and whatever the gateway learned do not count. */
export function matchesSpec(instance: Instance, spec: InstanceSpec): boolean {
  return (
    // Registered anew it is trusted again.
    instance.untrusted === undefined &&
    sameAttachment(instance, spec) &&
    baseWeight(instance) === spec.weight &&
    instance.maxInFlight === spec.maxInFlight &&
    instance.region === spec.region &&
    sameJson(instance.metadata, spec.metadata)
  )
}

/** True when both lead to the same server in the same way. */
export function sameAttachment(instance: Instance, spec: InstanceSpec): boolean {
  return sameJson(instance.attach, spec.attach) && instance.protocol === spec.protocol
}

/** The weight as registered, without the override. */
function baseWeight(instance: Instance): number {
  return instance.declaredWeight ?? instance.weight
}

/**
 * Makes the instance that a spec asks for. What an operator set on `previous` by PATCH stays; what was learned about it
 * stays while it leads to the same server, else it becomes a new generation.
 * @param now milliseconds; generations never repeat, not even after an id was removed and registered again
 */
export function toInstance(
  spec: InstanceSpec,
  facts: { id: string; source: string; previous?: Instance | undefined; now: number },
): Instance {
  const { previous } = facts
  const kept =
    previous !== undefined && previous.untrusted === undefined && sameAttachment(previous, spec) ? previous : undefined
  const instance: Instance = {
    template: spec.template,
    id: facts.id,
    attach: structuredClone(spec.attach),
    protocol: spec.protocol,
    weight: spec.weight,
    ...(spec.maxInFlight === undefined ? {} : { maxInFlight: spec.maxInFlight }),
    ...(spec.region === undefined ? {} : { region: spec.region }),
    metadata: structuredClone(spec.metadata),
    state: 'active',
    source: facts.source,
    override: {},
    ...(kept?.resolvedUrl === undefined ? {} : { resolvedUrl: kept.resolvedUrl }),
    generation: kept?.generation ?? Math.max(facts.now, (previous?.generation ?? 0) + 1),
  }
  return withOverride(instance, previous?.override ?? {})
}

/** The same instance with these overrides and no others. */
export function withOverride(instance: Instance, override: Instance['override']): Instance {
  const { declaredWeight: _, ...rest } = instance
  const declared = baseWeight(instance)
  const set = {
    ...(override.weight === undefined ? {} : { weight: override.weight }),
    ...(override.state === undefined ? {} : { state: override.state }),
  }
  const hidden = override.weight === undefined ? {} : { declaredWeight: declared }
  return { ...rest, weight: declared, state: 'active', ...set, ...hidden, override: set }
}
