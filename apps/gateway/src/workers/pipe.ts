import { Agent, type ClientRequest, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { PEER_HEADER } from '../http/peer.js'

/** One HTTP exchange that another process of this gateway answers. */
export interface PipedExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** The request's body, when it was read already. */
  readonly body?: Buffer | undefined
}

/** The other process went away after it may have seen the request, and before it answered. */
export class PipeBrokenError extends Error {
  override readonly name = 'PipeBrokenError'
  readonly code = 'WORKERS_PIPE_BROKEN'

  constructor(cause: unknown) {
    super('the process that answers this request went away', { cause })
  }
}

// What ends with one connection (RFC 9110, 7.6.1).
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
// What is set anew on the way, and what only we may set.
const REPLACED: ReadonlySet<string> = new Set(['expect', 'x-request-id', PEER_HEADER])

/** Sends whole HTTP exchanges to other processes over their local sockets, and knows how many are under way. */
export class Pipes {
  // Idle sockets are never closed by the other side while it lives, so that none breaks under a request.
  readonly #agent = new Agent({ keepAlive: true })
  #underWay = 0
  #idle: PromiseWithResolvers<void> | undefined

  /**
   * Lets the process behind `socketPath` answer. Resolves to true when the answer has ended, whoever ended it; to
   * false when nobody is there, and nothing was sent.
   * @throws PipeBrokenError before anything was answered; an answer that has begun is cut
   */
  async send(socketPath: string, exchange: PipedExchange): Promise<boolean> {
    this.#underWay += 1
    try {
      return await this.#send(socketPath, exchange)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#idle?.resolve()
    }
  }

  /** Resolves when nothing is under way, after `graceMs` at the latest, at once when `hurry` aborts. */
  async untilIdle(graceMs: number, hurry: AbortSignal): Promise<void> {
    if (this.#underWay === 0 || hurry.aborted) return
    this.#idle ??= Promise.withResolvers()
    const { promise, resolve } = this.#idle
    const timer = setTimeout(resolve, graceMs)
    hurry.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #send(socketPath: string, exchange: PipedExchange): Promise<boolean> {
    const { request, response, body } = exchange
    const outgoing = openRequest({
      socketPath,
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: headersOf(exchange),
    })
    const answered = answerOf(outgoing)
    const onGone = (): void => void outgoing.destroy()
    response.once('close', onGone)
    try {
      if (body === undefined) void pipeline(request, outgoing).catch(() => undefined)
      else outgoing.end(body)
      const answer = await answered
      if (answer === 'nobody') return false
      await relay(answer, response)
      return true
    } catch (error) {
      if (response.destroyed) return true
      if (!response.headersSent) throw new PipeBrokenError(error)
      response.destroy()
      return true
    } finally {
      response.off('close', onGone)
    }
  }
}

/** The answer, or `nobody` when no connection came about. */
function answerOf(outgoing: ClientRequest): Promise<IncomingMessage | 'nobody'> {
  let connected = false
  outgoing.once('socket', (socket) => {
    connected = !socket.connecting
    socket.once('connect', () => {
      connected = true
    })
  })
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', (error) => (connected ? reject(error) : resolve('nobody')))
  })
}

async function relay(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(
    answer.statusCode ?? 502,
    answer.statusMessage,
    passed(answer.rawHeaders, () => false),
  )
  // The head of an event stream comes long before its first event.
  response.flushHeaders()
  await pipeline(answer, response)
}

function headersOf({ request, requestId, body }: PipedExchange): string[] {
  const isReplaced = (name: string): boolean => REPLACED.has(name) || (name === 'content-length' && body !== undefined)
  const headers = passed(request.rawHeaders, isReplaced)
  headers.push('x-request-id', requestId, PEER_HEADER, request.socket.remoteAddress ?? '')
  if (body !== undefined) headers.push('content-length', String(body.length))
  return headers
}

function passed(rawHeaders: readonly string[], isReplaced: (name: string) => boolean): string[] {
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const lower = name.toLowerCase()
    if (!HOP_BY_HOP.has(lower) && !isReplaced(lower)) headers.push(name, rawHeaders[i + 1] ?? '')
  }
  return headers
}
