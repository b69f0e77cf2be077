import { UpstreamNotIdentifiedError } from '../errors.js'
import {
  type ClientInfo,
  identityFromDiscover,
  identityFromInitialize,
  modernRequest,
  ownRequest,
  type RpcAnswer,
} from '../own-requests.js'
import type { ServerIdentity, SessionInit } from '../upstream.js'
import type { Channel } from './channel.js'
import { type CallBounds, call, notify } from './rpc.js'

/** Errors that only a modern server gives: header mismatch, missing capability, unsupported version. */
const MODERN_ERRORS: ReadonlySet<number> = new Set([-32_020, -32_021, -32_022])

/** How long a conversation may take to open, and what the time is. */
export interface HandshakeOptions extends CallBounds {
  readonly now: () => number
}

/**
 * Asks `server/discover`. Undefined: the answer shows a legacy server (any error that is not a modern one; no single
 * code is proof of an era). Rejects when the child ends or the signal aborts first.
 */
export async function discover(
  channel: Channel,
  client: ClientInfo,
  options: HandshakeOptions,
): Promise<ServerIdentity | undefined> {
  const result = discoverResult(await call(channel, modernRequest('server/discover', client), options))
  return result && identityFromDiscover(result, new Date(options.now()))
}

/**
 * Opens a legacy conversation: `initialize`, then `notifications/initialized`.
 * @throws UpstreamNotIdentifiedError if the server refuses.
 */
export async function initialize(
  channel: Channel,
  init: SessionInit,
  options: HandshakeOptions,
): Promise<ServerIdentity> {
  const answer = await call(channel, ownRequest('initialize', { ...init }), options)
  if (answer.kind === 'error') {
    throw new UpstreamNotIdentifiedError({ detail: `initialize was refused with ${answer.code}` })
  }
  const identity = identityFromInitialize(answer.result, new Date(options.now()))
  await notify(channel, 'notifications/initialized')
  return identity
}

function discoverResult(answer: RpcAnswer): Readonly<Record<string, unknown>> | undefined {
  if (answer.kind === 'result') return Array.isArray(answer.result['supportedVersions']) ? answer.result : undefined
  // A modern error is proof of the era, though it says nothing more.
  return MODERN_ERRORS.has(answer.code) ? {} : undefined
}
