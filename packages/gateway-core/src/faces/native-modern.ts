import { idToken, RPC, readModernRequest } from '@mcp-platform/mcp-bridge'
import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayCall, GatewayReply } from '../call.js'
import { CallScope, totalTimeMs } from '../call-scope.js'
import type { Deadline } from '../deadline-wheel.js'
import { CallerGoneError } from '../errors.js'
import { EventStream } from './event-stream.js'
import { endingGracefully } from './graceful-end.js'
import { callHeaders } from './headers.js'
import type { NativeExchange } from './native-exchange.js'
import { sendJson } from './respond.js'
import { rpcErrorMessage, toRpcFailure } from './rpc-error.js'
import { runNative, totalMsOf } from './run-native.js'

/** Accepting SSE, a caller that waits this long gets its stream opened for keep-alive, in milliseconds. */
const OPEN_STREAM_AFTER_MS = 10_000
/** A subscription that does not end in time after its last moment is cut after this, in milliseconds. */
const LISTEN_GRACE_MS = 60_000
/** Subscriptions that began together need not end together: a random part of their life is left off. */
const LIFE_SPREAD_RATIO = 0.2

/** One message of a 2026-07-28 client. Closing the response cancels the request. */
export async function serveModern(exchange: NativeExchange, message: UpstreamMessage): Promise<void> {
  const caller = readModernRequest(message, exchange.header, exchange.principal.id)
  const scope = openScope(exchange, message)
  const early = new EarlyStream(exchange)
  try {
    const call: GatewayCall = {
      requestId: exchange.requestId,
      face: 'native',
      template: exchange.template ?? '',
      principal: exchange.principal,
      message,
      caller,
      signal: scope.signal,
      header: exchange.header,
      trace: exchange.trace,
    }
    const reply = await runNative(exchange, call)
    const ending = listens(message) ? endingGracefully(reply, message, lifeOf(exchange, call)) : reply
    const written = ending.kind === 'stream' ? early.pipe(ending) : early.write(ending)
    if (written) await written
  } catch (error) {
    if (!early.opened) throw error
    if (error instanceof CallerGoneError) return
    await early.send(rpcErrorMessage(toRpcFailure(error, exchange.requestId), idToken(message)))
  } finally {
    early.end()
    scope.end()
  }
}

/** The answer's head is withheld until it is known what the answer is; then it is one JSON write, or a stream. */
class EarlyStream {
  readonly #exchange: NativeExchange
  readonly #opening: Deadline | undefined
  #stream: EventStream | undefined

  constructor(exchange: NativeExchange) {
    this.#exchange = exchange
    const accepts = exchange.header('accept')?.includes('text/event-stream') ?? false
    // Nearly every client accepts streams: a timer of its own for each call would show.
    if (accepts) this.#opening = exchange.context.wheel.start(OPEN_STREAM_AFTER_MS, () => this.#open())
  }

  get opened(): boolean {
    return this.#stream !== undefined
  }

  pipe(reply: GatewayReply & { kind: 'stream' }): Promise<void> {
    return reply.pipe({ message: (json) => this.#open().send(json) })
  }

  /** The whole answer; the promise, if there is one, settles when the reader has caught up. */
  write(reply: GatewayReply & { kind: 'complete' | 'accepted' }): undefined | Promise<void> {
    if (this.#stream) return reply.kind === 'complete' ? this.#stream.send(reply.json) : undefined
    const headers = callHeaders(this.#exchange)
    if (reply.kind === 'complete') sendJson(this.#exchange.response, statusOf(reply), reply.json, headers)
    else this.#exchange.response.writeHead(202, headers).end()
    return undefined
  }

  send(json: Buffer): undefined | Promise<void> {
    return this.#open().send(json)
  }

  end(): void {
    this.#opening?.cancel()
    this.#stream?.end()
  }

  #open(): EventStream {
    const { response, context } = this.#exchange
    this.#stream ??= new EventStream(response, callHeaders(this.#exchange), context)
    return this.#stream
  }
}

/** HTTP statuses that 2026-07-28 wants with these errors; a server on a pipe or of the legacy era has none to give. */
const STATUS: Readonly<Record<number, number>> = {
  [RPC.parse]: 400,
  [RPC.invalidRequest]: 400,
  [RPC.methodNotFound]: 404,
  [RPC.headerMismatch]: 400,
  [RPC.missingCapability]: 400,
  [RPC.unsupportedVersion]: 400,
}

function statusOf({ json, envelope, status }: GatewayReply & { kind: 'complete' }): number {
  if (!envelope.error || status >= 400) return status
  const { code }: { code?: unknown } = JSON.parse(json.toString('utf8', envelope.error.start, envelope.error.end))
  return (typeof code === 'number' && STATUS[code]) || status
}

function listens({ envelope }: UpstreamMessage): boolean {
  return envelope.method === 'subscriptions/listen'
}

function lifeOf({ context }: NativeExchange, { signal }: GatewayCall): { lifeMs: number; signal: AbortSignal } {
  return { lifeMs: context.subscriptionMaxAgeMs * (1 - LIFE_SPREAD_RATIO * context.random()), signal }
}

function openScope(exchange: NativeExchange, message: UpstreamMessage): CallScope {
  const { context, request, response } = exchange
  return new CallScope({
    response,
    wheel: context.wheel,
    scopes: context.scopes,
    totalMs: listens(message)
      ? context.subscriptionMaxAgeMs + LISTEN_GRACE_MS
      : totalTimeMs(request, totalMsOf(exchange)),
  })
}
