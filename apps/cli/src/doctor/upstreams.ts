import { GatewayClientError } from '@mcp-platform/client'
import type { InstanceView, RegistryView, SyncSource } from '@mcp-platform/contract'
import { printable } from '../output/printable.js'
import { placeOf } from '../output/registry-rows.js'
import { hasFault, sourceLines } from '../output/source-lines.js'
import type { Check, Finding, FindingLevel } from './finding.js'
import { ASK, withheldFinding } from './running.js'

const LEVELS: Readonly<Partial<Record<InstanceView['status'], FindingLevel>>> = {
  healthy: 'ok',
  degraded: 'warning',
  starting: 'warning',
  draining: 'warning',
  disabled: 'warning',
}

/** How each upstream of the gateway is, and what of its sources is not in the registry. */
export const checkUpstreams: Check = async ({ running, client }) => {
  if (running.state === 'silent') return []
  try {
    const registry = await client.registry(ASK)
    return [...(registry.sources ?? []).filter(hasFault).map(ofSource), ...ofRegistry(registry)]
  } catch (error) {
    if (!(error instanceof GatewayClientError)) throw error
    return [withheldFinding('upstreams', 'the servers cannot be looked at', error, 'registry:read')]
  }
}

function ofRegistry({ templates }: RegistryView): Finding[] {
  const all = Object.entries(templates).flatMap(([name, { instances, catalogue_differs: differs }]) => [
    ...instances.map((one) => ofInstance(name, one)),
    ...(differs ? [differingFinding(name)] : []),
  ])
  return all.length > 0 ? all : [{ check: 'upstreams', level: 'ok', message: 'no server is registered yet' }]
}

function differingFinding(template: string): Finding {
  const message = `the instances of ${template} offer different tools: a call goes only to those that list its tool`
  return { check: 'catalogue', level: 'warning', message, fix: 'bring its servers to the same version' }
}

function ofSource(source: SyncSource): Finding {
  const message = sourceLines(source)
    .map((line) => line.trim())
    .join(' ')
  const level = source.ok ? 'warning' : 'error'
  return { check: 'sources', level, message, fix: 'correct it, then: mcpp gateway sync --dry-run' }
}

function ofInstance(template: string, instance: InstanceView): Finding {
  const { id, status, reason } = instance
  // Of one that starts there is a reason once a try has failed.
  const level = status === 'starting' && reason !== undefined ? 'error' : (LEVELS[status] ?? 'error')
  const why = reason === undefined || level === 'ok' ? '' : `: ${reason}`
  const message = printable(`${template}/${id} (${placeOf(instance)}) is ${status}${why}`)
  return { check: 'upstreams', level, message, fix: fixOf(template, instance) }
}

function fixOf(template: string, { id, status, transport }: InstanceView): string | undefined {
  if (status === 'healthy') return undefined
  if (status === 'draining' || status === 'disabled') return `mcpp gateway enable ${template} ${id}`
  if (status === 'unauthenticated')
    return `mcpp gateway register ${template} --id ${id} --replace --header Authorization=… …`
  const logs = transport === 'stdio' ? '; its own words are in: mcpp gateway logs' : ''
  return `mcpp gateway explain ${template}${logs}`
}
