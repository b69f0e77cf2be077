import {
  type Connection,
  type ExchangeOptions,
  UpstreamConnectFailedError,
  type UpstreamMessage,
  type UpstreamReply,
  UpstreamSessionLostError,
} from '@mcp-platform/mcp-upstream'
import type { LegacyCaller } from '../caller.js'
import type { ClientSession } from '../client-session.js'
import { readHello } from '../hello.js'
import { localResult } from '../local-reply.js'
import { SessionNotFoundError } from '../protocol-error.js'

const ACCEPTED: UpstreamReply = { kind: 'accepted' }

/**
 * Legacy client, legacy server: one upstream session per client session. Requests of the server carry the server's own
 * ids through to the client and its responses back, because nobody else shares the session.
 */
export async function legacyOnLegacy(
  connection: Connection,
  caller: LegacyCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const { session } = caller
  if (message.envelope.method === 'initialize') return open(connection, caller, message, options)
  // The upstream session was initialised when it was opened.
  if (message.envelope.method === 'notifications/initialized') return ACCEPTED
  if (!session.upstream || session.upstream.ended.aborted) throw new SessionNotFoundError()
  try {
    return await session.upstream.exchange(message, options)
  } catch (error) {
    throw await lostOr(error, session)
  }
}

// A server that forgot the session, or that is not there any more, took the client's state with it: the client gets 404
// and starts anew. What may have run already is told as it is.
async function lostOr(error: unknown, session: ClientSession): Promise<unknown> {
  const gone = error instanceof UpstreamSessionLostError || (error instanceof UpstreamConnectFailedError && !error.sent)
  if (!gone) return error
  await session.end(new SessionNotFoundError())
  return new SessionNotFoundError(error)
}

async function open(
  connection: Connection,
  { session, context }: LegacyCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  session.hello = readHello(message)
  const upstream = await connection.openSession(session.hello, context, options)
  session.upstream = upstream
  session.protocolVersion = upstream.identity.protocolVersion
  // A session that its server has lost is over for the client too: it gets 404 and starts anew.
  upstream.ended.addEventListener('abort', () => void session.end(new SessionNotFoundError()), { once: true })
  void relayOutbox(upstream, session)
  return localResult(message, upstream.identity.result)
}

// What the server sends outside of any answer goes to the client's GET stream, for as long as the session lives.
async function relayOutbox(
  upstream: NonNullable<LegacyCaller['session']['upstream']>,
  session: LegacyCaller['session'],
): Promise<void> {
  try {
    await upstream.listen({ message: (json, envelope) => session.announce(json, envelope.method) }, session.ended)
  } catch {
    // A server without a GET stream, or one that dropped it, is no reason to end the session: calls still work.
    return
  }
}
