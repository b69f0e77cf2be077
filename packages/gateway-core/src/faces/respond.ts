import type { ServerResponse } from 'node:http'
import type { Problem } from '@mcp-platform/contract'

const JSON_TYPE = 'application/json; charset=utf-8'
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

// What a server sends is data; no browser may take it for a page.
const NO_SNIFFING = { 'x-content-type-options': 'nosniff' } as const

export type Headers = Readonly<Record<string, string | number>>

/** Writes one whole JSON answer with its head in a single write. */
export function sendJson(response: ServerResponse, status: number, body: Buffer | string, headers: Headers = {}): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  // Names and values in turn: what node:http takes without another walk over keys, and without a copy of `headers`.
  const head: (string | number)[] = ['x-content-type-options', 'nosniff', 'content-type', JSON_TYPE]
  head.push('content-length', bytes.length)
  for (const name in headers) head.push(name, headers[name] ?? '')
  response.writeHead(status, head)
  response.end(bytes)
}

/** Writes an error document (RFC 9457). */
export function sendProblem(response: ServerResponse, problem: Problem, headers: Headers = {}): void {
  const bytes = Buffer.from(JSON.stringify(problem))
  const head: Record<string, string | number> = {
    ...headers,
    ...NO_SNIFFING,
    'content-type': PROBLEM_TYPE,
    'content-length': bytes.length,
  }
  if (problem.retry_after_seconds !== undefined) head['retry-after'] = problem.retry_after_seconds
  response.writeHead(problem.status, head)
  response.end(bytes)
}
