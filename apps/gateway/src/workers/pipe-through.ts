import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { PEER_HEADER } from '../http/peer.js'

/** One HTTP exchange that another process answers. */
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

/** By which a process tells another one of its node that the home of a session is gone. Believed on a local socket only. */
export const ADOPTS_HEADER = 'x-mcpp-adopts'

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
const REPLACED: ReadonlySet<string> = new Set(['expect', 'x-request-id', PEER_HEADER, ADOPTS_HEADER])

/** `nobody`: no connection came about, so nothing was sent. `refused`: the answer was not for the caller. */
export type Piped = 'answered' | { readonly nobody: unknown } | 'refused'

/** How an exchange is sent. */
export interface PipeOptions {
  /** How long a connection may take to come about, in milliseconds. @default as long as it takes */
  readonly connectMs?: number | undefined
  /** Told of each answer's head; true keeps the answer from the caller. @default every one is the caller's */
  readonly isRefusal?: ((answer: IncomingMessage) => boolean) | undefined
}

/**
 * Lets whoever takes `outgoing` answer an exchange. Resolves when the answer has ended, whoever ended it.
 * @throws PipeBrokenError before anything was answered; an answer that has begun is cut
 */
export async function pipeThrough(
  outgoing: ClientRequest,
  exchange: PipedExchange,
  options: PipeOptions = {},
): Promise<Piped> {
  const { request, response, body } = exchange
  const answered = answerOf(outgoing, options.connectMs)
  const onGone = (): void => void outgoing.destroy()
  response.once('close', onGone)
  try {
    if (body === undefined) void pipeline(request, outgoing).catch(() => undefined)
    else outgoing.end(body)
    const answer = await answered
    // A caller that is gone says nothing about who is there.
    if ('nobody' in answer) return response.destroyed ? 'answered' : answer
    if (options.isRefusal?.(answer) === true) {
      answer.resume()
      return 'refused'
    }
    await relay(answer, response)
    return 'answered'
  } catch (error) {
    if (response.destroyed) return 'answered'
    if (!response.headersSent) throw new PipeBrokenError(error)
    response.destroy()
    return 'answered'
  } finally {
    response.off('close', onGone)
  }
}

/** The head of an exchange as it goes to the other process: the caller's, and who the caller is. */
export function pipedHeaders(exchange: PipedExchange, more: readonly string[] = []): string[] {
  const { request, requestId, body } = exchange
  const isReplaced = (name: string): boolean => REPLACED.has(name) || (name === 'content-length' && body !== undefined)
  const headers = passed(request.rawHeaders, isReplaced)
  headers.push('x-request-id', requestId, PEER_HEADER, request.socket.remoteAddress ?? '', ...more)
  if (body !== undefined) headers.push('content-length', String(body.length))
  return headers
}

/** The answer, or `nobody` when no connection came about. */
function answerOf(
  outgoing: ClientRequest,
  connectMs: number | undefined,
): Promise<IncomingMessage | { nobody: unknown }> {
  let connected = false
  const late =
    connectMs === undefined ? undefined : setTimeout(() => outgoing.destroy(new ConnectTimeoutError()), connectMs)
  const onConnected = (): void => {
    connected = true
    clearTimeout(late)
  }
  outgoing.once('socket', (socket) => {
    // A socket that was used before is there already.
    if (!socket.connecting && outgoing.reusedSocket) onConnected()
    else if (!socket.connecting && !('encrypted' in socket)) onConnected()
    else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', onConnected)
  })
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('close', () => clearTimeout(late))
    outgoing.on('error', (error) => (connected ? reject(error) : resolve({ nobody: error })))
  })
}

class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError'

  constructor() {
    super('no connection came about in time')
  }
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

function passed(rawHeaders: readonly string[], isReplaced: (name: string) => boolean): string[] {
  const headers: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const lower = name.toLowerCase()
    if (!HOP_BY_HOP.has(lower) && !isReplaced(lower)) headers.push(name, rawHeaders[i + 1] ?? '')
  }
  return headers
}
