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

/** Answers by `METHOD /path` without the query; what it does not know is a 404. */
export type Routes = Readonly<Record<string, unknown>>

export interface FakeGateway extends AsyncDisposable {
  readonly url: string
  readonly seen: readonly Seen[]
}

/** A value is sent as JSON; a problem (`{ status, code }` made by {@link problem}) with its status; a function answers itself. */
export async function startFakeGateway(routes: Routes): Promise<FakeGateway> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { method = '', url = '', headers } = request
      seen.push({ method, url, headers, body: text === '' ? undefined : JSON.parse(text) })
      answer(routes[`${method} ${url.split('?', 1)[0]}`] ?? problem(404, 'ROUTE_NOT_FOUND', 'no such path'), response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function problem(status: number, code: string, detail: string, facts: Partial<Problem> = {}): Problem {
  return { type: 'about:blank', title: 'Title', status, code, detail, request_id: 'r-1', ...facts }
}

function answer(value: unknown, response: ServerResponse): void {
  if (typeof value === 'function') {
    value(response)
    return
  }
  const isProblem = typeof value === 'object' && value !== null && 'request_id' in value
  const status = isProblem ? (value as Problem).status : 200
  const type = isProblem ? 'application/problem+json' : 'application/json'
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(value))
}
