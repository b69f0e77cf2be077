import type { Connection, ExchangeOptions, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'

/** Modern client, modern server: the message goes on as it came. */
export function modernOnModern(
  connection: Connection,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  return connection.modern.exchange(message, options)
}
