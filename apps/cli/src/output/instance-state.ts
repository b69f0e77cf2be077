import type { InstanceView } from '@mcp-platform/contract'
import { printable } from './printable.js'

/** What an instance does after somebody has changed its state. */
export function stateText(template: string, { id, state, status, in_flight: inFlight }: InstanceView): string {
  const also = status === state ? '' : ` (${status})`
  return printable(`${template}/${id} is ${state}${also}, ${inFlight} in flight.`)
}
