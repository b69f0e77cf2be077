import type { ExchangeOptions, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import type { ClientSession } from './client-session.js'
import type { JsonObject } from './json-object.js'

/** Self-reported name and version, passed on as they came. */
export interface ClientInfo {
  readonly name: string
  readonly version: string
  readonly [member: string]: unknown
}

/**
 * A caller that speaks no MCP of its own: the REST face, a probe, the list catalogue.
 * It declares no capabilities, so no server may ask it back.
 */
export interface PlainCaller {
  readonly era: 'none'
  /** Authorization context: upstream sessions are never shared between two of them. */
  readonly context: string
  readonly clientInfo: ClientInfo
  /** Ask the server for log notifications of this level and above (modern servers, per request). */
  readonly logLevel?: string | undefined
}

/** A client of 2026-07-28: everything it is stands in the `_meta` of each request. */
export interface ModernCaller {
  readonly era: 'modern'
  readonly context: string
  readonly protocolVersion: string
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject | undefined
  readonly logLevel: string | undefined
}

/** A client of 2025 and before: everything it is was said in `initialize` and lives in its session. */
export interface LegacyCaller {
  readonly era: 'legacy'
  readonly context: string
  readonly session: ClientSession
  /** Opens a subscription on modern servers for the session. @default on the one that the exchange goes to */
  readonly listen?: ((message: UpstreamMessage, options: ExchangeOptions) => Promise<UpstreamReply>) | undefined
}

/** Who is on the client side of one exchange, in protocol terms. */
export type CallerProfile = PlainCaller | ModernCaller | LegacyCaller
