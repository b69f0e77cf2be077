import type { ReplyEnvelope, UpstreamSession } from '@mcp-platform/mcp-upstream'
import { askedId } from '../asking.js'
import type { ClientSession } from '../client-session.js'
import { SessionNotFoundError } from '../protocol-error.js'

/** Gives a client's session the upstream session that is its own from now on: they end together. */
export function attachUpstream(session: ClientSession, upstream: UpstreamSession): void {
  session.upstream = upstream
  session.protocolVersion = upstream.identity.protocolVersion
  // A session that its server has lost is over for the client too: it gets 404 and starts anew.
  upstream.ended.addEventListener('abort', () => void session.end(new SessionNotFoundError()), { once: true })
  // What the server sends outside of any answer goes to the client's GET stream, for as long as the session lives. When
  // that can be heard no more the client has to know: its stream ends.
  const sink = { message: (json: Buffer, envelope: ReplyEnvelope) => relay(session, json, envelope) }
  upstream.listen(sink, session.ended).catch(() => session.end(new SessionNotFoundError()))
}

function relay(session: ClientSession, json: Buffer, envelope: ReplyEnvelope): void | Promise<void> {
  if (envelope.kind === 'request') session.questioned(askedId(json, envelope))
  return session.announce(json, envelope.method)
}
