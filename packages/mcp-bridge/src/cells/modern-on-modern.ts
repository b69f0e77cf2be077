import type { Connection, ExchangeOptions, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from '../caller.js'

/** Modern client, modern server: the message goes on as it came. */
export function modernOnModern(
  connection: Connection,
  caller: ModernCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const logs = caller.logLevel !== undefined && message.envelope.method !== 'subscriptions/listen'
  return connection.modern.exchange(logs ? { ...message, exclusiveFor: caller.context } : message, options)
}
