import { z } from 'zod'
import { ValidationError } from './errors.js'
import { check, type Fault } from './faults.js'
import { parseInstance, weightSchema } from './instance-schema.js'
import { isObject } from './json.js'
import type { AdminState, PartialTemplateSettings } from './model.js'
import { templateNameFault } from './names.js'
import { strictObject, text } from './schema.js'
import { readSettings } from './settings.js'
import type { InstanceSpec } from './spec.js'

/** A validated body of `POST /gateway/register`. */
export interface Registration {
  readonly spec: InstanceSpec
  readonly settings: PartialTemplateSettings
}

/** A validated body of a PATCH of an instance; `null` resets that field, `reset` both. */
export interface InstancePatch {
  readonly weight?: number | null | undefined
  readonly state?: AdminState | null | undefined
  readonly reset?: boolean | undefined
}

const frame = strictObject({
  template_name: text(templateNameFault),
  instance: z.record(z.string(), z.unknown()),
  load_balancer: z.unknown().optional(),
})

const instancePatch: z.ZodType<InstancePatch> = strictObject({
  weight: weightSchema.nullable().optional(),
  state: z.enum(['active', 'draining', 'disabled']).nullable().optional(),
  reset: z.boolean().optional(),
})

/**
 * Reads the body of a registration.
 * @throws ValidationError with every fault
 */
export function parseRegistration(input: unknown): Registration {
  const faults: Fault[] = []
  const name = check(frame, input, [], faults)?.template_name ?? ''
  const { instance, load_balancer } = isObject(input) ? input : {}
  const spec = isObject(instance) ? parseInstance(name, instance, ['instance'], faults) : undefined
  const settings = load_balancer === undefined ? {} : readSettings({ load_balancer }, [], faults)
  if (spec === undefined || faults.length > 0) throw new ValidationError(faults)
  return { spec, settings }
}

/**
 * Reads the body of a PATCH of an instance.
 * @throws ValidationError with every fault
 */
export function parseInstancePatch(input: unknown): InstancePatch {
  const faults: Fault[] = []
  const patch = check(instancePatch, input, [], faults)
  if (patch === undefined) throw new ValidationError(faults)
  if (Object.values(patch).every((value) => value === undefined)) {
    throw new ValidationError([{ path: '', message: 'nothing to change: give weight, state or reset' }])
  }
  return patch
}
