import type { ClientInfo, Connection, SessionKey, Upstream, UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { PlainCaller } from './caller.js'
import { leasedExchange } from './leased-exchange.js'
import { metaText, withMetaText } from './modern-meta.js'
import { LATEST_LEGACY_VERSION, META, MODERN_VERSION } from './versions.js'

/** A caller without an era on a modern server: the request envelope is written for it. */
export function plainOnModern(connection: Connection, caller: PlainCaller): Upstream {
  return {
    era: 'modern',
    exchange: (message, options) => connection.modern.exchange(inEnvelope(message, caller), options),
  }
}

function inEnvelope(message: UpstreamMessage, caller: PlainCaller): UpstreamMessage {
  const exclusiveFor = caller.logLevel === undefined ? undefined : caller.context
  return { ...withMetaText(message, envelopeText(caller)), exclusiveFor }
}

// Nearly every call of such a caller carries the same envelope.
const silentEnvelopes = new WeakMap<ClientInfo, string>()

function envelopeText(caller: PlainCaller): string {
  if (caller.logLevel !== undefined) return metaText(envelopeOf(caller))
  const known = silentEnvelopes.get(caller.clientInfo)
  if (known !== undefined) return known
  const text = metaText(envelopeOf(caller))
  silentEnvelopes.set(caller.clientInfo, text)
  return text
}

function envelopeOf(caller: PlainCaller): Record<string, unknown> {
  return {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: {},
    [META.clientInfo]: caller.clientInfo,
    ...(caller.logLevel === undefined ? {} : { [META.logLevel]: caller.logLevel }),
  }
}

/** A caller without an era on a legacy server: one leased session per exchange. */
export function plainOnLegacy(connection: Connection, caller: PlainCaller): Upstream {
  const key: SessionKey = {
    context: caller.context,
    init: { protocolVersion: LATEST_LEGACY_VERSION, capabilities: {}, clientInfo: caller.clientInfo },
  }
  const { logLevel } = caller
  return {
    era: 'legacy',
    exchange: (message, options) => leasedExchange({ connection, key, message, options, logLevel }),
  }
}
