import type { GatewayEventWire } from '@mcp-platform/contract'
import { printable } from './printable.js'

/** One event of the gateway on one line. */
export function eventText(event: GatewayEventWire): string {
  return printable(`${event.at}  ${whatHappened(event)}`)
}

function whatHappened(event: GatewayEventWire): string {
  switch (event.type) {
    case 'hello':
      return 'watching; interrupt to end'
    case 'instance_status':
      return `${event.template}/${event.instance_id} ${event.previous ?? 'new'} -> ${event.status}${because(event.reason)}`
    case 'instance_circuit':
      return `${event.template}/${event.instance_id} circuit ${event.circuit}${until(event.until)}${because(event.reason)}`
    case 'registry_changed':
      return `registry ${event.action} by ${event.actor}: ${event.templates.join(', ')}`
    case 'catalogue_differs':
      return `${event.template}: ${event.instance_ids.join(', ')} do not offer the same tools`
    case 'events_missed':
      return `${event.count} events were missed`
    default:
      // A newer gateway may tell of more.
      return JSON.stringify(event)
  }
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`
}

function until(instant: string | undefined): string {
  return instant === undefined ? '' : ` until ${instant}`
}
