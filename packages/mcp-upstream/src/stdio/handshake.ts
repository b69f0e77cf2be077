import { UpstreamNotIdentifiedError } from '../errors.js'
import type { ServerIdentity, SessionInit } from '../upstream.js'
import type { Channel } from './channel.js'
import { call, isObject, notify, type RpcAnswer } from './rpc.js'

/** Revision of the stateless protocol that we speak. */
export const MODERN_VERSION = '2026-07-28'
/** Newest revision that is opened by `initialize`. */
export const LATEST_LEGACY_VERSION = '2025-11-25'

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo'
/** Errors that only a modern server gives: header mismatch, missing capability, unsupported version. */
const MODERN_ERRORS: ReadonlySet<number> = new Set([-32_020, -32_021, -32_022])

/** Who we say we are. */
export type ClientInfo = Readonly<Record<string, unknown>>

/** The `_meta` of a modern request of our own. */
export function ownMeta(clientInfo: ClientInfo): Readonly<Record<string, unknown>> {
  return {
    'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': clientInfo,
  }
}

/**
 * Asks `server/discover`. Undefined: the answer shows a legacy server (any error that is not a modern one; no single
 * code is proof of an era). Rejects when the child ends or the signal aborts first.
 */
export async function discover(
  channel: Channel,
  clientInfo: ClientInfo,
  options: { readonly signal: AbortSignal; readonly now: () => number },
): Promise<ServerIdentity | undefined> {
  const answer = await call(channel, 'server/discover', { _meta: ownMeta(clientInfo) }, options.signal)
  const result = discoverResult(answer)
  return result && modernIdentity(result, options.now())
}

/**
 * Opens a legacy conversation: `initialize`, then `notifications/initialized`.
 * @throws UpstreamNotIdentifiedError if the server refuses.
 */
export async function initialize(
  channel: Channel,
  init: SessionInit,
  options: { readonly signal: AbortSignal; readonly now: () => number },
): Promise<ServerIdentity> {
  const answer = await call(channel, 'initialize', { ...init }, options.signal)
  if (answer.kind === 'error') {
    throw new UpstreamNotIdentifiedError({ detail: `initialize was refused with ${answer.code}` })
  }
  const protocolVersion = answer.result['protocolVersion']
  if (typeof protocolVersion !== 'string') {
    throw new UpstreamNotIdentifiedError({ detail: 'the answer to initialize names no protocol version' })
  }
  await notify(channel, 'notifications/initialized')
  return {
    ...described(answer.result, answer.result['serverInfo']),
    era: 'legacy',
    protocolVersion,
    learnedAt: new Date(options.now()),
  }
}

function discoverResult(answer: RpcAnswer): Readonly<Record<string, unknown>> | undefined {
  if (answer.kind === 'result') return Array.isArray(answer.result['supportedVersions']) ? answer.result : undefined
  if (!MODERN_ERRORS.has(answer.code)) return undefined
  // It is modern, though it speaks none of our versions or wants something first: all we know is what the error says.
  const supported = isObject(answer.data) ? answer.data['supported'] : undefined
  return { supportedVersions: Array.isArray(supported) ? supported : [] }
}

function modernIdentity(result: Readonly<Record<string, unknown>>, atMs: number): ServerIdentity {
  const meta = result['_meta']
  const info = (isObject(meta) ? meta[SERVER_INFO] : undefined) ?? result['serverInfo']
  return {
    ...described(result, info),
    era: 'modern',
    protocolVersion: commonVersion(result['supportedVersions']),
    learnedAt: new Date(atMs),
  }
}

function commonVersion(supported: unknown): string {
  const versions = Array.isArray(supported) ? supported.filter((version) => typeof version === 'string') : []
  return versions.includes(MODERN_VERSION) ? MODERN_VERSION : (versions[0] ?? MODERN_VERSION)
}

function described(
  result: Readonly<Record<string, unknown>>,
  info: unknown,
): Pick<ServerIdentity, 'serverInfo' | 'capabilities' | 'instructions' | 'result'> {
  const { capabilities, instructions } = result
  return {
    serverInfo: { name: textOf(info, 'name'), version: textOf(info, 'version') },
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(typeof instructions === 'string' ? { instructions } : {}),
    result,
  }
}

function textOf(info: unknown, member: 'name' | 'version'): string {
  const text = isObject(info) ? info[member] : undefined
  return typeof text === 'string' ? text : 'unknown'
}
