import type { Connection, ExchangeOptions, Upstream, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { CallerProfile } from './caller.js'
import { plainOnLegacy, plainOnModern } from './plain.js'

/**
 * Decorates one instance's connection so that this caller can use it, whatever era the server speaks.
 * The era is the server's own, found out at first use; nothing is balanced or retried in here.
 * @throws UpstreamError from `exchange`; `sent` tells whether the server may have run it.
 */
export function bridge(connection: Connection, caller: CallerProfile): Pick<Upstream, 'exchange'> {
  return { exchange: (message, options) => exchange(connection, caller, message, options) }
}

async function exchange(
  connection: Connection,
  caller: CallerProfile,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  // Finding out the era is not sending the message: its phases must not count for the call.
  const identity = connection.identity ?? (await connection.identify({ signal: options.signal, limits: options.limits }))
  const upstream = identity.era === 'modern' ? plainOnModern(connection, caller) : plainOnLegacy(connection, caller)
  return upstream.exchange(message, options)
}
