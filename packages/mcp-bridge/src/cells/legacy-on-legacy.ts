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
import { LastingSession } from '../lasting-session.js'
import { localResult } from '../local-reply.js'
import { SessionNotFoundError } from '../protocol-error.js'
import { attachLasting, lastingOptions } from './lasting-upstream.js'

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

// A server that forgot more than can be told again, or that is not there any more: the client gets 404 and starts anew.
// What may have run already is told as it is.
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
  const { limits } = options
  const upstream = await LastingSession.open(lastingOptions(session, { connection, context, limits }), options)
  attachLasting(session, upstream)
  return localResult(message, upstream.identity.result)
}
