import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type Answer, rpcText } from './answer.js'
import type { Fault } from './faults.js'

/** Everything a delivery may need. */
export interface Delivery {
  readonly response: ServerResponse
  readonly answer: Answer
  readonly requestId: string | number | null
  /** Whether a proper answer goes out as an event stream. */
  readonly sse: boolean
}

type Deliver<K extends Fault['kind']> = (delivery: Delivery, fault: Extract<Fault, { kind: K }>) => void | Promise<void>

/** Sends the answer as the fault wants it; resolves when nothing more will be written. */
export async function deliver(delivery: Delivery, fault: Fault): Promise<void> {
  const handler = handlers[fault.kind] as Deliver<Fault['kind']>
  await handler(delivery, fault as never)
}

const handlers: { [K in Fault['kind']]: Deliver<K> } = {
  none: (delivery) => proper(delivery),
  'sometimes-500': (delivery) => proper(delivery),
  delay: async (delivery, { ms }) => {
    await pause(ms, delivery.response)
    proper(delivery)
  },
  reset: ({ response }) => void response.socket?.resetAndDestroy(),
  fin: ({ response }) => void response.socket?.end(),
  silence: () => undefined,
  status: ({ response }, { status, headers = {}, body = '' }) => void response.writeHead(status, headers).end(body),
  garbage: ({ response }) => void response.socket?.end('\u0001\u0002 this is not HTTP\r\n\r\n'),
  'bad-json': ({ response }) => json(response, 200, '{"jsonrpc":"2.0","id":'),
  html: ({ response }) =>
    void response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Log in</title><h1>Welcome to the hotel</h1>'),
  empty: ({ response }) => json(response, 200, ''),
  'wrong-id': ({ response, answer }) => {
    const { id: _id, ...rest } = JSON.parse(answer.body)
    json(response, answer.status, JSON.stringify({ ...rest, id: 'nobody-asked-for-this' }))
  },
  'truncated-body': ({ response, answer }) => truncatedBody(response, answer),
  'truncated-sse': ({ response, answer }) => {
    const event = sseEvent(answer.body)
    sseHead(response)
    response.write(event.slice(0, Math.floor(event.length / 2)), () => response.socket?.end())
  },
  'stalled-sse': ({ response }) => {
    sseHead(response)
    response.write(': opened\n\n')
  },
  'slow-headers': ({ response, answer }, { byteDelayMs }) => slowHeaders(response, answer, byteDelayMs),
  'slow-body': ({ response, answer }, fault) => slowBody(response, answer, fault),
  huge: (delivery, { bytes }) => {
    const result = { content: [{ type: 'text', text: 'x'.repeat(bytes) }] }
    proper({ ...delivery, answer: { ...delivery.answer, body: rpcText(delivery.requestId, { result }) } })
  },
  gzip: ({ response, answer }) =>
    void response
      .writeHead(answer.status, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync(answer.body)),
  'rpc-error': ({ response, requestId }, { code, message, data, status = 200 }) =>
    json(response, status, rpcText(requestId, { error: { code, message, ...(data === undefined ? {} : { data }) } })),
}

/** Opens an event stream. */
export function sseHead(response: ServerResponse): void {
  if (response.headersSent) return
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
}

/** One message as an event. */
export function sseEvent(message: string): string {
  return `event: message\ndata: ${message}\n\n`
}

function proper({ response, answer, sse }: Delivery): void {
  if (answer.body === '') {
    response.writeHead(answer.status, answer.headers).end()
    return
  }
  if (!response.headersSent && !(sse && answer.status === 200)) {
    json(response, answer.status, answer.body, answer.headers)
    return
  }
  sseHead(response)
  response.end(sseEvent(answer.body))
}

function json(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers })
    .end(body)
}

function truncatedBody(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.socket?.end())
}

async function slowHeaders(response: ServerResponse, { status, body }: Answer, byteDelayMs: number): Promise<void> {
  const head = `HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  for (const byte of head) {
    if (response.socket === null || response.socket.destroyed) return
    response.socket.write(byte)
    await pause(byteDelayMs, response)
  }
  response.socket?.end(body)
}

async function slowBody(
  response: ServerResponse,
  { status, body }: Answer,
  { sliceBytes, sliceDelayMs }: Extract<Fault, { kind: 'slow-body' }>,
): Promise<void> {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  for (let at = 0; at < bytes.length && !response.destroyed; at += sliceBytes) {
    response.write(bytes.subarray(at, at + sliceBytes))
    await pause(sliceDelayMs, response)
  }
  response.end()
}

/** Ends early when the connection does, so that a stopped server leaves no timer. */
function pause(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      response.off('close', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    response.once('close', done)
  })
}
