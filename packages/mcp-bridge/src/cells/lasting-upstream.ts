import type { Connection, ExchangeLimits } from '@mcp-platform/mcp-upstream'
import type { ClientSession } from '../client-session.js'
import type { LastingSession, LastingSessionOptions } from '../lasting-session.js'
import { attachUpstream } from './attach-upstream.js'

/** Where the upstream session of a client's session is opened, and opened again. */
export interface LastingUpstream {
  readonly connection: Connection
  /** Authorization context. */
  readonly context: string
  readonly limits: ExchangeLimits
}

/** How the upstream session of this client lasts. The client has said its hello. */
export function lastingOptions(
  session: ClientSession,
  { connection, context, limits }: LastingUpstream,
): LastingSessionOptions {
  return {
    connection,
    init: session.hello,
    context,
    limits,
    now: session.now,
    isHeard: () => session.outbox.attached,
    onReopened: () => session.onReopened?.(),
  }
}

/** Gives a client's session its upstream session, which learns when somebody listens. */
export function attachLasting(session: ClientSession, upstream: LastingSession): void {
  session.outbox.onAttached = () => upstream.heard()
  attachUpstream(session, upstream)
}
