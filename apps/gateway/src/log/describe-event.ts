import type { RegistryEvent } from '@mcp-platform/core-registry'
import type { GatewayEvent } from '@mcp-platform/gateway-core'
import type { HealthEvent } from '@mcp-platform/health'
import type { UpstreamEvent } from '@mcp-platform/mcp-upstream'
import { isDatabaseFailure } from '../database/failure.js'
import type { AppEvent } from '../http/app.js'
import type { SyncEvent } from '../registry/sync.js'
import type { LogLine } from './log-line.js'

/** The line for an event of the gateway. Lines per request and per probe are `debug`: none at the default level. */
export function describeGatewayEvent(event: GatewayEvent): LogLine {
  switch (event.type) {
    case 'call':
      return line('debug', event.outcome === 'ok' ? 'call answered' : 'call failed', event)
    case 'attempt-failed': {
      const next = event.next === 'another-instance' ? 'trying another instance' : 'giving up'
      return line('warn', `attempt failed, ${next}`, event)
    }
    case 'denied':
      return line('info', `refused: ${event.principal} lacks ${event.scope}`, event)
    case 'foreign-session':
      return line('warn', `${event.principal} came with the session of somebody else`, event)
    case 'list-failed': {
      const { template, method, error } = event
      return line('warn', 'list could not be read', { template, method, err: error })
    }
    case 'catalogue-differs':
      return line('warn', `instances of ${event.template} offer different tools`, event)
    case 'catalogue-agrees':
      return line('info', `instances of ${event.template} offer the same tools again`, event)
    case 'internal-error':
      return line('error', 'internal error', { requestId: event.requestId, err: event.error })
    case 'balancer':
      return line('debug', `balancer: ${event.event.type}`, { ...event.event, template: event.template })
    case 'health':
      return describeHealth(event.template, event.event)
    case 'registry':
      return describeRegistry(event.event)
    case 'upstream':
      return describeUpstream(event.event, { template: event.template, instanceId: event.instanceId })
  }
}

function describeHealth(template: string, event: HealthEvent): LogLine {
  const facts = { template, ...event }
  switch (event.type) {
    case 'status': {
      const good = event.to === 'healthy' || event.to === 'draining' || event.to === 'disabled'
      return line(good ? 'info' : 'warn', `instance ${event.id} is ${event.to}`, facts)
    }
    case 'circuit':
      return line(event.to === 'open' ? 'warn' : 'info', `circuit of ${event.id} is ${event.to}`, facts)
    case 'ejection-withheld':
      return line('warn', `instance ${event.id} fails but cannot be spared`, facts)
    case 'panic':
      return line(
        'warn',
        event.active ? 'too few instances are available: all are tried' : 'enough instances are available again',
        facts,
      )
    case 'stall':
      return line('warn', 'the gateway itself stood still during a probe', facts)
    case 'probe':
      return line('debug', `probe of ${event.id}: ${event.verdict}`, facts)
    case 'removed':
      return line('debug', `instance ${event.id} is no longer watched`, facts)
  }
}

function describeRegistry(event: RegistryEvent): LogLine {
  switch (event.type) {
    case 'changed':
      return line('info', `registry changed: ${event.action}`, { ...event })
    case 'refreshed':
      // Users and keys count in the same numbers.
      if (!event.full && event.templates.length === 0) return line('debug', 'users or keys were changed', { ...event })
      return line('info', 'registry took over changes of another node', { ...event })
    case 'refresh-failed':
      // Each second while the database is down, and said once elsewhere.
      return line(
        isDatabaseFailure(event.error) ? 'debug' : 'warn',
        'registry could not be read from the database; going on with what is known',
        {
          err: event.error,
        },
      )
    case 'conflict':
      return line('warn', `an entry of ${event.source} is left out: ${event.conflict.message}`, {
        source: event.source,
        ...event.conflict,
      })
    case 'takeover':
      return line('warn', `${event.source} takes over an instance that came in over the API`, { ...event })
    case 'untrusted': {
      const { template, instanceId } = event
      const what = instanceId === undefined ? `the health check of ${template}` : `${template}/${instanceId}`
      return line('error', `${what} was changed in the database by somebody else and is not started`, { ...event })
    }
    case 'listener-failed':
      return line('error', 'the gateway could not follow a change of the registry', { err: event.error })
  }
}

const UPSTREAM_WARNINGS: ReadonlySet<UpstreamEvent['type']> = new Set([
  'address_refused',
  'child_crash_loop',
  'child_line_dropped',
])

function describeUpstream(event: UpstreamEvent, where: { template: string; instanceId: string }): LogLine {
  const facts = { ...where, ...event }
  if (event.type === 'child_exited') {
    return line(event.expected ? 'debug' : 'warn', `child process ended${event.expected ? '' : ' unexpectedly'}`, facts)
  }
  if (event.type === 'era_detected') {
    const { era, identity } = event
    const { serverInfo, protocolVersion } = identity
    return line('info', `${serverInfo.name} speaks the ${era} protocol`, { ...where, era, serverInfo, protocolVersion })
  }
  return line(UPSTREAM_WARNINGS.has(event.type) ? 'warn' : 'debug', event.type.replaceAll('_', ' '), facts)
}

/** The line for an event of registry sources. */
export function describeSync(event: SyncEvent): LogLine {
  switch (event.type) {
    case 'synced':
      return line('info', `${event.source} was read`, event)
    case 'entry-refused':
      return line('warn', 'an entry is left out', event)
    case 'source-failed':
      return line('error', `${event.source} cannot be used; what is known goes on holding`, {
        source: event.source,
        err: event.error,
      })
  }
}

/** The line for a management request. */
export function describeApp(event: AppEvent): LogLine {
  if (event.type === 'request') return line('debug', 'request', event)
  const { requestId, method, path, error } = event
  return line('error', 'request failed', { requestId, method, path, err: error })
}

// `type` names the union's member; in the log the message does that.
function line(level: LogLine['level'], message: string, facts: object): LogLine {
  return { level, message, facts: Object.fromEntries(Object.entries(facts).filter(([name]) => name !== 'type')) }
}
