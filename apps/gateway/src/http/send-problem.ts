import type { ServerResponse } from 'node:http'
import { PROBLEM_CONTENT_TYPE } from '@mcp-platform/contract'
import { toProblem } from '@mcp-platform/gateway-core'
import { toGatewayError } from './error-table.js'

/** Answers with the error document of anything that was thrown. An answer that has begun is cut instead. */
export function sendError(response: ServerResponse, error: unknown, requestId: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const failure = toGatewayError(error)
  const problem = toProblem(failure, requestId)
  const body = JSON.stringify(problem)
  const { challenge, allow, retryAfterMs, headers = {} } = failure.facts
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (challenge !== undefined) response.setHeader('WWW-Authenticate', challenge)
  if (allow !== undefined) response.setHeader('Allow', allow)
  if (retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1_000))
  response.setHeader('X-Request-Id', requestId)
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.writeHead(problem.status, {
    'Content-Type': `${PROBLEM_CONTENT_TYPE}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}
