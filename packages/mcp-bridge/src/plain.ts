import type {
  Connection,
  ExchangeOptions,
  MessageSink,
  SessionKey,
  SessionLease,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import type { PlainCaller } from './caller.js'
import { withMeta } from './modern-meta.js'
import { LATEST_LEGACY_VERSION, META, MODERN_VERSION } from './versions.js'

/** A caller without an era on a modern server: the request envelope is written for it. */
export function plainOnModern(connection: Connection, caller: PlainCaller): Upstream {
  return {
    era: 'modern',
    exchange: (message, options) => connection.modern.exchange(withMeta(message, envelopeOf(caller)), options),
  }
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
  return { era: 'legacy', exchange: (message, options) => leasedExchange(connection, key, message, options) }
}

/** Exchanges on a pooled session and gives it back when the answer's body has ended. */
export async function leasedExchange(
  connection: Connection,
  key: SessionKey,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const lease = await connection.leaseSession(key, { signal: options.signal, limits: options.limits })
  let reply: UpstreamReply
  try {
    reply = await lease.session.exchange(message, options)
  } catch (error) {
    lease.release()
    throw error
  }
  if (reply.kind === 'stream') return releasedAtEnd(reply, lease)
  lease.release()
  return reply
}

function releasedAtEnd(reply: UpstreamReply & { kind: 'stream' }, lease: SessionLease): UpstreamReply {
  return {
    kind: 'stream',
    async pipe(sink: MessageSink) {
      try {
        await reply.pipe(sink)
      } finally {
        lease.release()
      }
    },
    cancel(reason) {
      reply.cancel(reason)
      lease.release()
    },
  }
}
