import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const VALID = /^[A-Za-z0-9._:-]{1,128}$/

/** The caller's `X-Request-Id` when it is one, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && VALID.test(given) ? given : randomUUID()
}
