import type { ServerIdentity, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { CatalogueList, ListMethod } from '../catalogue.js'

/** What is needed of one part's list. */
export type PartItems = Pick<CatalogueList, 'items' | 'byName' | 'ttlMs'>

/** One template of an aggregate, for one caller. */
export interface AggregatePart {
  readonly template: string
  /** What its server said about itself; undefined while nobody could ask it: then it is left out. */
  readonly identity: ServerIdentity | undefined
  /** All pages of one of its lists, as this caller may see it. `maxAgeMs`: how old it may be although it could be newer. */
  list(method: ListMethod, options: { signal: AbortSignal; maxAgeMs: number }): Promise<PartItems>
}

/** Sends a message of a 2026 caller to one template: routing, balancing, failover and eras are behind it. */
export type AggregateDispatch = (
  template: string,
  message: UpstreamMessage,
  options: { readonly signal: AbortSignal },
) => Promise<UpstreamReply>

/** A part that failed and was left out of an answer. */
export type OnPartFailed = (failure: { template: string; method: string; error: unknown }) => void

/** True if the server of this part offers a feature at all. */
export function offers(part: AggregatePart, capability: string): boolean {
  return part.identity?.capabilities[capability] !== undefined
}

/** No server of the template has answered yet, so nobody knows what it offers. */
export class PartUnknownError extends Error {
  override readonly name = 'PartUnknownError'
  readonly code = 'BRIDGE_PART_UNKNOWN'

  constructor(template: string) {
    super(`no server of "${template}" has answered yet`)
  }
}
