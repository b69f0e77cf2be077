import { askedId, type ClientSession, idToken } from '@mcp-platform/mcp-bridge'
import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from '../call.js'
import { CallScope, totalTimeMs } from '../call-scope.js'
import type { NativeExchange } from './native-exchange.js'
import { listenFor, runNative, totalMsOf } from './run-native.js'
import { forgetChanged } from './visible-tools.js'

/** Lets the gateway hear what happens to a session apart from its calls. */
export function observe({ context, template, principal }: NativeExchange, session: ClientSession): void {
  if (template === undefined) return
  session.onAnnounced = (method) => forgetChanged(context, template, method)
  session.onReopened = () =>
    context.onEvent({
      type: 'upstream',
      template,
      instanceId: session.instanceId ?? '',
      event: { type: 'session_reinitialised', context: principal.id },
    })
}

/** Runs a call of a session; while the client has a question of its answer's stream to answer, its time stands still. */
export async function runLegacy(
  exchange: NativeExchange,
  session: ClientSession,
  call: GatewayCall,
): Promise<GatewayReply> {
  const reply = await runNative(exchange, call)
  if (reply.kind !== 'stream') return reply
  const id = idToken(call.message)
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          if (envelope.kind === 'request') session.questioned(askedId(json, envelope), id)
          return sink.message(json, envelope)
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

/** Takes what wants no answer: notifications, and the client's answers to questions. */
export async function take(exchange: NativeExchange, session: ClientSession, message: UpstreamMessage): Promise<void> {
  const { envelope } = message
  if (envelope.kind === 'response') return takeResponse(exchange, session, message)
  if (envelope.method === 'notifications/cancelled') session.cancel(cancelledId(message))
  else await inScope(exchange, session, message, (call) => runNative(exchange, call))
}

async function takeResponse(exchange: NativeExchange, session: ClientSession, message: UpstreamMessage): Promise<void> {
  if (session.answered(idToken(message), message.body) || !session.upstream) return
  const { readLimits } = exchange.context.routes.require(exchange.template ?? '')
  await session.upstream.exchange(message, { signal: session.ended, limits: readLimits })
}

function cancelledId({ body, envelope }: UpstreamMessage): string {
  const params: unknown = envelope.params
    ? JSON.parse(body.toString('utf8', envelope.params.start, envelope.params.end))
    : {}
  const requestId =
    typeof params === 'object' && params !== null && 'requestId' in params ? params.requestId : undefined
  return JSON.stringify(requestId) ?? ''
}

/** Runs one call of a session: cancellable by the client's own id, bounded by its time, outliving a lost connection. */
export async function inScope<T>(
  exchange: NativeExchange,
  session: ClientSession,
  message: UpstreamMessage,
  use: (call: GatewayCall) => Promise<T>,
): Promise<T> {
  const { context, request, response, template, requestId, principal, header } = exchange
  const scope = new CallScope({
    response,
    wheel: context.wheel,
    scopes: context.scopes,
    totalMs: totalTimeMs(request, totalMsOf(exchange)),
    askMs: session.askMs,
    outlivesCaller: true,
  })
  const id = idToken(message)
  session.beginCall(id, scope.controller, scope)
  try {
    return await use({
      requestId,
      face: 'native',
      template: template ?? '',
      principal,
      message,
      caller: { era: 'legacy', context: principal.id, session, listen: listenFor(exchange, session) },
      signal: scope.signal,
      header,
      pinnedTo: session.instanceId,
      trace: exchange.trace,
    })
  } finally {
    session.endCall(id)
    scope.end()
  }
}
