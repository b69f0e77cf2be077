import type { Connection, ExchangeOptions, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from '../caller.js'
import { idToken } from '../local-reply.js'
import { retagged } from '../subscription-tag.js'

/** Modern client, modern server: the message goes on as it came. */
export async function modernOnModern(
  connection: Connection,
  caller: ModernCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  if (message.envelope.method === 'subscriptions/listen') {
    const reply = await connection.modern.exchange(message, options)
    return reply.kind === 'stream' ? retagged(reply, idToken(message)) : reply
  }
  if (caller.logLevel === undefined) return connection.modern.exchange(message, options)
  return connection.modern.exchange({ ...message, exclusiveFor: caller.context }, options)
}
