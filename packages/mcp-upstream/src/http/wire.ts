import type { OnUpstreamEvent } from '../events.js'
import type { HttpPools } from './pools.js'

/** What everything that talks to one instance over HTTP shares. */
export interface Wire {
  readonly pools: HttpPools
  /** Names and values in turn. */
  readonly baseHeaders: readonly string[]
  /** Ids never repeat within a connection, so no answer can be taken for another's. */
  mintId(): Buffer
  readonly onEvent: OnUpstreamEvent | undefined
  readonly now: () => number
}

/** Head of a POST: our own headers and what every MCP message needs. */
export function postHeaders(wire: Wire): string[] {
  return [...wire.baseHeaders, 'accept', 'application/json, text/event-stream', 'content-type', 'application/json']
}

/** Head of a GET that opens an event stream. */
export function streamHeaders(wire: Wire): string[] {
  return [...wire.baseHeaders, 'accept', 'text/event-stream']
}
