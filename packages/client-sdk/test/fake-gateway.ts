import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Problem } from '@mcp-platform/contract'

/** What the fake has received. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export type Answerer = (seen: Seen, response: ServerResponse) => void

/** A real HTTP server on a free port that answers as the test says. */
export interface FakeGateway extends AsyncDisposable {
  readonly url: string
  readonly seen: readonly Seen[]
  answerWith(answer: Answerer): void
}

export async function startFakeGateway(
  first: Answerer = (_, response) => sendJson(response, {}),
): Promise<FakeGateway> {
  const seen: Seen[] = []
  let answer = first
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const entry = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: text === '' ? undefined : JSON.parse(text),
      }
      seen.push(entry)
      answer(entry, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answerWith: (next) => {
      answer = next
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

export function sendProblem(
  response: ServerResponse,
  facts: Partial<Problem> & { status: number; code: string },
): void {
  const problem = { type: 'about:blank', title: 'Title', detail: 'the reason', request_id: 'r-1', ...facts }
  response.writeHead(facts.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
}

export function startEvents(response: ServerResponse): (event: string | undefined, data: unknown) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  return (event, data) => {
    const name = event === undefined ? '' : `event: ${event}\n`
    response.write(`${name}data: ${JSON.stringify(data)}\n\n`)
  }
}
