import type { CircuitState, GatewayEventWire } from '@mcp-platform/contract'
import type { RegistryEvent } from '@mcp-platform/core-registry'
import type { GatewayEvent } from '@mcp-platform/gateway-core'
import type { HealthEvent, StoredCircuit } from '@mcp-platform/health'

/** What readers of `GET /gateway/events` are told of an event; undefined: nothing. */
export function toWire(event: GatewayEvent, at: Date): GatewayEventWire | undefined {
  if (event.type === 'health') return fromHealth(event.template, event.event)
  if (event.type === 'registry') return fromRegistry(event.event, at)
  if (event.type !== 'catalogue-differs') return undefined
  return { type: 'catalogue_differs', at: at.toISOString(), template: event.template, instance_ids: event.instanceIds }
}

function fromHealth(template: string, event: HealthEvent): GatewayEventWire | undefined {
  if (event.type === 'status') {
    const { id, from, to, reason } = event
    return {
      type: 'instance_status',
      at: event.at.toISOString(),
      template,
      instance_id: id,
      previous: from,
      status: to,
      reason,
    }
  }
  if (event.type !== 'circuit') return undefined
  const { id, circuit, cause } = event
  const until = circuit.openUntil?.toISOString()
  const at = circuit.since.toISOString()
  return {
    type: 'instance_circuit',
    at,
    template,
    instance_id: id,
    circuit: circuitState(event.to),
    until,
    reason: cause,
  }
}

function circuitState(state: StoredCircuit['state']): CircuitState {
  return state === 'half-open' ? 'half_open' : state
}

function fromRegistry(event: RegistryEvent, at: Date): GatewayEventWire | undefined {
  if (event.type === 'changed') {
    const { version, action, actor, templates } = event
    return { type: 'registry_changed', at: at.toISOString(), version, action, actor, templates }
  }
  if (event.type !== 'refreshed') return undefined
  const { version, templates } = event
  return {
    type: 'registry_changed',
    at: at.toISOString(),
    version,
    action: 'refresh',
    actor: 'another node',
    templates,
  }
}
