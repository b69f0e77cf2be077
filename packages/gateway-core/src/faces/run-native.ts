import {
  bridgeLegacy,
  type ClientSession,
  type LegacyCaller,
  MODERN_VERSION,
  type ModernCaller,
} from '@mcp-platform/mcp-bridge'
import type { ExchangeLimits } from '@mcp-platform/mcp-upstream'
import { aggregateFor } from '../aggregate.js'
import { type GatewayCall, type GatewayReply, newTrace } from '../call.js'
import { GatewayError } from '../errors.js'
import type { NativeExchange } from './native-exchange.js'
import { listenEverywhere } from './native-listen.js'
import { onlyVisible } from './visible-tools.js'

/** Bounds that the parts of an aggregate have of their own; here they bound nothing. */
const NO_LIMITS: ExchangeLimits = { connectMs: 60_000, idleMs: 3_600_000, maxAnswerBytes: Number.MAX_SAFE_INTEGER }
/** A call, while there is no template to say how long one may take, in milliseconds. */
const DEFAULT_TOTAL_MS = 60_000

/** Runs a native call: on the one template of its path, or on the aggregate over all that its caller may use. */
export function runNative(exchange: NativeExchange, call: GatewayCall): Promise<GatewayReply> {
  if (exchange.template === undefined) return runOnAll(exchange, call)
  const { pipeline } = exchange.context
  // The answer to a tool call passes as it is: no promise of its own for it.
  return call.message.envelope.method === 'tools/call' ? pipeline.run(call) : runFiltered(exchange, call)
}

async function runFiltered({ context }: NativeExchange, call: GatewayCall): Promise<GatewayReply> {
  if (call.message.envelope.method !== 'subscriptions/listen') {
    return onlyVisible(await context.pipeline.run(call), call, context)
  }
  return onlyVisible(await listenEverywhere(call, context), call, context)
}

/** How a legacy session of one template listens to its servers, if they are of 2026: to all of them. */
export function listenFor(exchange: NativeExchange, session: ClientSession): LegacyCaller['listen'] {
  const { context, template, requestId, principal, header } = exchange
  if (template === undefined) return undefined
  return (message, { signal }) => {
    const call: GatewayCall = {
      requestId,
      face: 'native',
      template,
      principal,
      message,
      caller: callerOf(session),
      signal,
      header,
      internal: true,
      trace: newTrace(),
    }
    return listenEverywhere(call, context)
  }
}

/** The longest that a call on this path may take, in milliseconds. */
export function totalMsOf({ context, template }: NativeExchange): number {
  if (template !== undefined) return context.routes.find(template)?.settings.timeouts.totalMs ?? DEFAULT_TOTAL_MS
  return Math.max(DEFAULT_TOTAL_MS, ...context.routes.all().map(({ settings }) => settings.timeouts.totalMs))
}

async function runOnAll(exchange: NativeExchange, call: GatewayCall): Promise<GatewayReply> {
  const { caller, message, signal } = call
  const options = { signal, limits: NO_LIMITS }
  if (caller.era === 'modern') return joined(exchange, () => caller).exchange(message, options)
  if (caller.era === 'none') throw new GatewayError('INTERNAL', 'a caller without an era came to the native face')
  const server = joined(exchange, () => callerOf(caller.session))
  return bridgeLegacy({ modern: server, identity: server.identity }, caller, message, options)
}

function joined(exchange: NativeExchange, caller: () => ModernCaller): ReturnType<typeof aggregateFor> {
  const { context, principal, requestId, header, trace } = exchange
  return aggregateFor({ context, principal, requestId, header, trace, caller }, context.sealer)
}

// Towards the parts a legacy client of the aggregate is a client of 2026 with what it said in `initialize`.
function callerOf({ context, hello, logLevel }: ClientSession): ModernCaller {
  const { capabilities, clientInfo } = hello
  return { era: 'modern', context, protocolVersion: MODERN_VERSION, capabilities, clientInfo, logLevel }
}
