import { GatewayError, NotAllowedError, NotAuthenticatedError } from '@mcp-platform/client'
import type { InstanceView } from '@mcp-platform/contract'
import { printable } from '../output/printable.js'
import { placeOf } from '../output/registry-rows.js'
import type { Check, DoctorPlace, Finding, FindingLevel } from './finding.js'

const LEVELS: Readonly<Partial<Record<InstanceView['status'], FindingLevel>>> = {
  healthy: 'ok',
  degraded: 'warning',
  starting: 'warning',
  draining: 'warning',
  disabled: 'warning',
}

/** Whether a gateway answers, and then how each of its upstreams is. */
export const checkGateway: Check = async (place) => {
  try {
    const health = await place.client.gatewayHealth({ timeoutMs: 5_000 })
    const found: Finding = {
      check: 'gateway',
      level: 'ok',
      message: `version ${health.version} answers at ${place.url}`,
    }
    return [found, ...(await upstreamFindings(place))]
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const fix = place.local === undefined ? 'mcpp gateway start --background' : 'mcpp gateway logs'
    // Not to run is no fault; to run and not to answer is one.
    return [
      { check: 'gateway', level: place.local === undefined ? 'warning' : 'error', message: printable(message), fix },
    ]
  }
}

async function upstreamFindings({ client }: DoctorPlace): Promise<Finding[]> {
  try {
    const { templates } = await client.registry()
    const all = Object.entries(templates).flatMap(([name, { instances }]) =>
      instances.map((one) => ofInstance(name, one)),
    )
    return all.length > 0 ? all : [{ check: 'upstreams', level: 'ok', message: 'no server is registered yet' }]
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const refused = error instanceof NotAuthenticatedError || error instanceof NotAllowedError
    const fix = refused ? 'mcpp gateway login USER (registry:read is needed)' : 'mcpp gateway logs'
    const message = `the servers cannot be looked at: ${printable(error.message)}`
    return [{ check: 'upstreams', level: refused ? 'warning' : 'error', message, fix }]
  }
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
