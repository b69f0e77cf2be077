import {
  type ExchangeOptions,
  UpstreamError,
  UpstreamHttpStatusError,
  type UpstreamMessage,
  type UpstreamSession,
} from '@mcp-platform/mcp-upstream'
import { asObject } from './json-edit.js'

/** What a server fails with that is away for a while, or starting. */
const AWAY: ReadonlySet<string> = new Set([
  'UPSTREAM_CONNECT_FAILED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_RESET',
  'UPSTREAM_STREAM_TRUNCATED',
  'UPSTREAM_BUSY',
])

/** Whether opening a session failed because its server is not there now: it may be back soon. */
export function isAway(error: unknown): boolean {
  if (error instanceof UpstreamHttpStatusError) return error.status >= 500 || error.status === 429
  return error instanceof UpstreamError ? AWAY.has(error.code) : asObject(error)?.['name'] === 'TimeoutError'
}

/** Sends a message of ours. @throws Error when the server does not answer with a result */
export async function requireSuccess(
  session: UpstreamSession,
  message: UpstreamMessage,
  io: ExchangeOptions,
): Promise<void> {
  const reply = await session.exchange(message, io)
  let succeeded = reply.kind === 'complete' && reply.envelope.result !== undefined
  if (reply.kind === 'stream') {
    await reply.pipe({
      message: (_json, envelope) => {
        if (envelope.kind === 'response') succeeded = envelope.result !== undefined
      },
    })
  }
  if (!succeeded) throw new Error(`the server refused ${message.envelope.method}, which it had accepted before`)
}
