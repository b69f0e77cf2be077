import type {
  Connection,
  ExchangeOptions,
  ServerIdentity,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import type { CallerProfile, LegacyCaller } from './caller.js'
import { legacyOnLegacy } from './cells/legacy-on-legacy.js'
import { legacyOnModern } from './cells/legacy-on-modern.js'
import { modernOnLegacy } from './cells/modern-on-legacy.js'
import { modernOnModern } from './cells/modern-on-modern.js'
import type { Parking } from './parked-calls.js'
import { plainOnLegacy, plainOnModern } from './plain.js'

/**
 * Decorates one instance's connection so that this caller can use it, whatever era the server speaks.
 * The era is the server's own, found out at first use; nothing is balanced or retried in here.
 * @throws UpstreamError from `exchange`; `sent` tells whether the server may have run it.
 */
export function bridge(connection: Connection, caller: CallerProfile, parked: Parking): Pick<Upstream, 'exchange'> {
  return { exchange: (message, options) => exchange({ connection, caller, parked, message, options }) }
}

/**
 * Lets a legacy client use a modern server that is no connection of its own, as an aggregate is. The message is the
 * client's; what it said in `initialize` is kept in its session.
 */
export function bridgeLegacy(
  server: { readonly modern: Upstream; readonly identity: ServerIdentity },
  caller: LegacyCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  return legacyOnModern(server, server.identity, caller, message, options)
}

interface BridgedExchange {
  readonly connection: Connection
  readonly caller: CallerProfile
  readonly parked: Parking
  readonly message: UpstreamMessage
  readonly options: ExchangeOptions
}

function exchange(bridged: BridgedExchange): Promise<UpstreamReply> {
  const { connection, options } = bridged
  const { identity } = connection
  // Known but for the very first call: no promise for it then.
  if (identity !== undefined) return exchangeWith(identity, bridged)
  // Finding out the era is not sending the message: its phases must not count for the call.
  const quiet = { signal: options.signal, limits: options.limits }
  return connection.identify(quiet).then((found) => exchangeWith(found, bridged))
}

function exchangeWith(identity: ServerIdentity, bridged: BridgedExchange): Promise<UpstreamReply> {
  const { connection, caller, parked, message, options } = bridged
  switch (caller.era) {
    case 'none':
      return (
        identity.era === 'modern' ? plainOnModern(connection, caller) : plainOnLegacy(connection, caller)
      ).exchange(message, options)
    case 'modern':
      return identity.era === 'modern'
        ? modernOnModern(connection, caller, message, options)
        : modernOnLegacy(connection, identity, caller, message, options, parked)
    case 'legacy':
      return legacy(connection, identity, caller, message, options)
  }
}

function legacy(
  connection: Connection,
  identity: ServerIdentity,
  caller: CallerProfile & { era: 'legacy' },
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  return identity.era === 'modern'
    ? legacyOnModern(connection, identity, caller, message, options)
    : legacyOnLegacy(connection, caller, message, options)
}
