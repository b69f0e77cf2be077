import type { Connection, ExchangeOptions, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from '../caller.js'
import { idToken } from '../local-reply.js'
import { retagged } from '../subscription-tag.js'

/** Modern client, modern server: the message goes on as it came. */
export function modernOnModern(
  connection: Connection,
  caller: ModernCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  if (message.envelope.method === 'subscriptions/listen') return listen(connection, message, options)
  if (caller.logLevel === undefined) return connection.modern.exchange(message, options)
  return connection.modern.exchange({ ...message, exclusiveFor: caller.context }, options)
}

async function listen(
  connection: Connection,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const reply = await connection.modern.exchange(message, options)
  return reply.kind === 'stream' ? retagged(reply, idToken(message)) : reply
}
