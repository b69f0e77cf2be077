import type { ReplyEnvelope } from './envelope.js'
import { UpstreamBadAnswerError, UpstreamNotIdentifiedError } from './errors.js'
import { scanEnvelope } from './scan/scan-envelope.js'
import type {
  ExchangeOptions,
  ServerIdentity,
  SessionInit,
  Upstream,
  UpstreamMessage,
  UpstreamReply,
} from './upstream.js'

/** The one modern version that we speak. */
export const MODERN_VERSION = '2026-07-28'
/** The newest legacy version: offered in `initialize`. */
export const LATEST_LEGACY_VERSION = '2025-11-25'
/** From here on a legacy client sends `MCP-Protocol-Version` (2025-06-18, transports). Dates compare as strings. */
export const VERSION_HEADER_SINCE = '2025-06-18'

/** Name and version that we introduce ourselves with. */
export interface ClientInfo {
  readonly name: string
  readonly version: string
}

/** A JSON-RPC answer, parsed. */
export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>>; readonly status: number }
  | { readonly kind: 'error'; readonly code: number; readonly message: string; readonly status: number }

/** A request of our own. The id is replaced when it is sent. */
export function ownRequest(method: string, params: Readonly<Record<string, unknown>>): UpstreamMessage {
  return ownMessage({ jsonrpc: '2.0', id: 0, method, params })
}

/** A notification of our own. */
export function ownNotification(method: string, params?: Readonly<Record<string, unknown>>): UpstreamMessage {
  return ownMessage({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) })
}

function ownMessage(message: Readonly<Record<string, unknown>>): UpstreamMessage {
  const body = Buffer.from(JSON.stringify(message))
  return { body, envelope: scanEnvelope(body) }
}

/** A modern request of our own: version, client and no capabilities in `_meta`. */
export function modernRequest(
  method: string,
  client: ClientInfo,
  params: Readonly<Record<string, unknown>> = {},
): UpstreamMessage {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN_VERSION,
    'io.modelcontextprotocol/clientInfo': client,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return ownRequest(method, { ...params, _meta: meta })
}

/** What we open a legacy session of our own with. */
export function ownSessionInit(client: ClientInfo): SessionInit {
  return { protocolVersion: LATEST_LEGACY_VERSION, capabilities: {}, clientInfo: { ...client } }
}

/** Sends a request of our own and parses its answer, ignoring what comes before it. */
export async function ask(upstream: Upstream, message: UpstreamMessage, options: ExchangeOptions): Promise<RpcAnswer> {
  return readAnswer(await upstream.exchange(message, options))
}

/** @throws UpstreamBadAnswerError when there is no JSON-RPC answer of the right shape. */
export async function readAnswer(reply: UpstreamReply): Promise<RpcAnswer> {
  if (reply.kind === 'accepted') throw new UpstreamBadAnswerError({ detail: 'no answer to a request' })
  if (reply.kind === 'complete') return parseAnswer(reply.json, reply.envelope, reply.status)
  const answers: RpcAnswer[] = []
  await reply.pipe({
    message(json, envelope) {
      if (envelope.kind === 'response') answers.push(parseAnswer(json, envelope, 200))
    },
  })
  const answer = answers[0]
  if (answer === undefined) throw new UpstreamBadAnswerError({ detail: 'no answer to a request' })
  return answer
}

function parseAnswer(json: Buffer, envelope: ReplyEnvelope, status: number): RpcAnswer {
  if (envelope.result !== undefined) return { kind: 'result', result: objectIn(json, envelope.result), status }
  const error = envelope.error === undefined ? {} : objectIn(json, envelope.error)
  const { code, message } = error
  if (typeof code !== 'number') throw new UpstreamBadAnswerError({ detail: 'an error without a code', status })
  return { kind: 'error', code, message: typeof message === 'string' ? message : '', status }
}

function objectIn(json: Buffer, span: { start: number; end: number }): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json.toString('utf8', span.start, span.end))
  if (!isObject(value)) throw new UpstreamBadAnswerError({ detail: 'the result is no object' })
  return value
}

/** A plain JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a modern server says about itself in the result of `server/discover`. */
export function identityFromDiscover(result: Readonly<Record<string, unknown>>, learnedAt: Date): ServerIdentity {
  const meta = isObject(result['_meta']) ? result['_meta'] : {}
  return {
    era: 'modern',
    protocolVersion: MODERN_VERSION,
    serverInfo: serverInfoOf(meta['io.modelcontextprotocol/serverInfo'] ?? result['serverInfo']),
    capabilities: isObject(result['capabilities']) ? result['capabilities'] : {},
    instructions: textOf(result['instructions']),
    result,
    learnedAt,
  }
}

/** What a legacy server says about itself in the answer to `initialize`. @throws UpstreamNotIdentifiedError without a version. */
export function identityFromInitialize(result: Readonly<Record<string, unknown>>, learnedAt: Date): ServerIdentity {
  const protocolVersion = result['protocolVersion']
  if (typeof protocolVersion !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(protocolVersion)) {
    throw new UpstreamNotIdentifiedError({ detail: 'the answer to initialize names no protocol version' })
  }
  return {
    era: 'legacy',
    protocolVersion,
    serverInfo: serverInfoOf(result['serverInfo']),
    capabilities: isObject(result['capabilities']) ? result['capabilities'] : {},
    instructions: textOf(result['instructions']),
    result,
    learnedAt,
  }
}

function serverInfoOf(value: unknown): ServerIdentity['serverInfo'] {
  if (!isObject(value)) return { name: '', version: '' }
  return { name: textOf(value['name']) ?? '', version: textOf(value['version']) ?? '' }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
