import type {
  Connection,
  ExchangeOptions,
  ServerIdentity,
  SessionKey,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import { scanEnvelope, scanReply } from '@mcp-platform/mcp-upstream'
import { mayAsk } from '../asking.js'
import type { ModernCaller } from '../caller.js'
import { discoverResult } from '../identity.js'
import { objectAt } from '../json-edit.js'
import { leasedExchange } from '../leased-exchange.js'
import { localResult } from '../local-reply.js'
import { decorateForModern } from '../modern-result.js'
import { startParkable } from '../parkable-call.js'
import type { Parking } from '../parked-calls.js'
import { LATEST_LEGACY_VERSION, META } from '../versions.js'
import { listenOnLegacy } from './legacy-listen.js'

const NO_CLIENT_INFO = { name: 'unknown', version: '0' }

/**
 * Modern client, legacy server: a pooled session with exactly this client's capabilities answers one request at a time.
 * A server that asks back in the middle of a call has its call parked. The session never claims more than the client
 * declared: servers show other tools, and take other ways, to clients that can be asked.
 */
export async function modernOnLegacy(
  connection: Connection,
  identity: ServerIdentity,
  caller: ModernCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
  parked: Parking,
): Promise<UpstreamReply> {
  const { method } = message.envelope
  if (method === 'server/discover') return localResult(message, discoverResult(identity))
  if (method === 'subscriptions/listen') return listenOnLegacy(connection, sessionKey(caller), caller, message, options)
  const legacy = withoutEnvelope(message)
  const decorate = (json: Buffer): Buffer => decorateForModern(json, scanReply(json), method ?? '', identity)
  const key = sessionKey(caller)
  if (mayAsk(method)) {
    return startParkable({ connection, key, caller, original: message, legacy, options, parked, decorate })
  }
  const { logLevel } = caller
  return decorated(await leasedExchange({ connection, key, message: legacy, options, logLevel }), decorate)
}

/** The pool keeps sessions of different principals and different capabilities apart. */
export function sessionKey(caller: ModernCaller): SessionKey {
  return {
    context: caller.context,
    init: {
      protocolVersion: LATEST_LEGACY_VERSION,
      capabilities: caller.capabilities,
      clientInfo: caller.clientInfo ?? NO_CLIENT_INFO,
    },
  }
}

/** The message without the keys of the modern envelope; what else is in `_meta` stays. */
export function withoutEnvelope(message: UpstreamMessage): UpstreamMessage {
  const { meta } = message.envelope
  const members = objectAt(message.body, meta)
  if (!meta || !members) return message
  const kept = Object.entries(members).filter(([key]) => !ENVELOPE_KEYS.has(key))
  const text = JSON.stringify(Object.fromEntries(kept))
  const body = Buffer.concat([message.body.subarray(0, meta.start), Buffer.from(text), message.body.subarray(meta.end)])
  return { ...message, body, envelope: scanEnvelope(body) }
}

const ENVELOPE_KEYS: ReadonlySet<string> = new Set([
  META.protocolVersion,
  META.clientCapabilities,
  META.clientInfo,
  META.logLevel,
])

function decorated(reply: UpstreamReply, decorate: (json: Buffer) => Buffer): UpstreamReply {
  if (reply.kind === 'accepted') return reply
  if (reply.kind === 'complete') {
    const json = decorate(reply.json)
    return { ...reply, json, envelope: scanReply(json) }
  }
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message: (json, envelope) => {
          if (envelope.kind !== 'response') return sink.message(json, envelope)
          const changed = decorate(json)
          return sink.message(changed, scanReply(changed))
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}
