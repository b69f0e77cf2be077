import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sealer } from '@mcp-platform/mcp-bridge'

/**
 * Lets another process answer one exchange: the one named `home`. `body` is the request's, when it was read already.
 * Resolves to true when the answer is complete or begun, to false when that process is gone and nothing was sent to it.
 */
export type Hop = (
  home: string,
  exchange: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly requestId: string
    readonly body: Buffer | undefined
  },
) => Promise<boolean>

/** Knows which messages belong to a session or a parked call of another process. */
export class Homes {
  readonly #own: string
  readonly #sealer: Sealer
  readonly hop: Hop

  constructor(options: { readonly own: string; readonly sealer: Sealer; readonly hop: Hop }) {
    this.#own = options.own
    this.#sealer = options.sealer
    this.hop = options.hop
  }

  /** The other process that a session id or a request state names; undefined for our own and for what is not ours. */
  elsewhere(sessionId: string | undefined, requestState: string | undefined): string | undefined {
    if (requestState !== undefined) return this.#foreign(this.#sealer.open('request-state', requestState))
    return sessionId === undefined ? undefined : this.#foreign(this.#sealer.open('session', sessionId))
  }

  #foreign(facts: unknown): string | undefined {
    if (typeof facts !== 'object' || facts === null || !('home' in facts)) return undefined
    return typeof facts.home === 'string' && facts.home !== this.#own ? facts.home : undefined
  }
}
