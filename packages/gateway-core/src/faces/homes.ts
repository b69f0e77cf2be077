import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SealedSession, Sealer, SessionBook } from '@mcp-platform/mcp-bridge'
import { isAdoptable } from '@mcp-platform/mcp-bridge'
import type { Adoptions } from './adoptions.js'

/** One exchange that belongs to a session or a parked call of another process. */
export interface HopExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** The request's, when it was read already. */
  readonly body: Buffer | undefined
  /** Names the session or the parked call: the same text for each of its messages. */
  readonly key: string
  /** Another process may go on with the session when its home is gone. */
  readonly isAdoptable: boolean
  /** It changes nothing, so that it may be sent again when nobody knows whether it got there. */
  readonly isSafe: boolean
}

/**
 * Lets another process answer one exchange: the one named `home`, or one that goes on with the session in its place.
 * Resolves to true when the answer is complete or begun, to false when the home is gone, nothing was sent to it, and the
 * exchange is to be answered here.
 */
export type Hop = (home: string, exchange: HopExchange) => Promise<boolean>

/** Where a session or a parked call lives, when that is not here. */
export interface Place {
  readonly home: string
  readonly key: string
  /** Undefined for a parked call. */
  readonly session: SealedSession | undefined
  readonly isAdoptable: boolean
}

/** Knows which messages belong to a session or a parked call of another process. */
export class Homes {
  readonly #own: string
  readonly #sealer: Sealer
  readonly #sessions: SessionBook
  /** Absent: the message has made its one hop, or there is nobody to send it to. */
  readonly hop: Hop | undefined
  /** Sessions whose home is gone go on here. */
  readonly adopts: boolean
  readonly adopting: Adoptions

  constructor(options: {
    readonly own: string
    readonly sealer: Sealer
    readonly sessions: SessionBook
    readonly hop: Hop | undefined
    readonly adopts: boolean
    readonly adopting: Adoptions
  }) {
    this.#own = options.own
    this.#sealer = options.sealer
    this.#sessions = options.sessions
    this.hop = options.hop
    this.adopts = options.adopts
    this.adopting = options.adopting
  }

  /** Where a session id or a request state leads; undefined for what is served here and for what is not ours. */
  find(sessionId: string | undefined, requestState: string | undefined): Place | undefined {
    if (requestState !== undefined) return this.#parked(requestState)
    const session = sessionId === undefined ? undefined : this.#sessions.read(sessionId)
    if (session === undefined || session.home === this.#own || this.#sessions.holds(session)) return undefined
    return { home: session.home, key: session.localId, session, isAdoptable: isAdoptable(session) }
  }

  #parked(requestState: string): Place | undefined {
    const facts = this.#sealer.open('request-state', requestState)
    if (typeof facts !== 'object' || facts === null || !('home' in facts)) return undefined
    if (typeof facts.home !== 'string' || facts.home === this.#own) return undefined
    return { home: facts.home, key: requestState, session: undefined, isAdoptable: false }
  }
}
