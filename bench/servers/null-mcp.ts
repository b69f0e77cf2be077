/*
 * What a null MCP server says: valid answers in both eras, and no work. It has one tool (`ping`, which repeats its argument), keeps no
 * state and accepts everybody. Shared by null-upstream.ts (HTTP) and null-child.ts (standard streams).
 */

/** A message as far as a null server looks into it. */
export interface Rpc {
  /** Absent: a notification, which is not answered. */
  readonly id?: string | number
  readonly method: string
  readonly params?: {
    readonly arguments?: { readonly n?: string }
    readonly protocolVersion?: string
    readonly _meta?: Readonly<Record<string, unknown>>
  }
}

/** A JSON-RPC answer without its envelope. */
export type Answer =
  | { readonly result: object }
  | { readonly error: { readonly code: number; readonly message: string } }

const SERVER_INFO = { name: 'null', version: '1.0.0' }
const CAPABILITIES = { tools: {} }
const TOOL = {
  name: 'ping',
  description: 'Repeats its argument.',
  inputSchema: { type: 'object', properties: { n: { type: 'string' } }, required: ['n'] },
  annotations: { readOnlyHint: true, idempotentHint: true },
}
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'
const NEWEST_LEGACY = '2025-11-25'
/** Versions that are agreed to when a client asks for them: older clients hang up on a newer one. */
const LEGACY = new Set(['2024-11-05', '2025-03-26', '2025-06-18', NEWEST_LEGACY])

/** Answers a request of either era; `eras` says whether the modern one is known at all. */
export function answer({ method, params }: Rpc, eras: 'both' | 'legacy' = 'both'): Answer {
  const modern = params?._meta?.[VERSION_KEY] !== undefined
  const complete = modern ? { resultType: 'complete' } : {}
  const cached = modern ? { ...complete, ttlMs: 60_000, cacheScope: 'public' } : {}
  switch (method) {
    case 'tools/call':
      return { result: { ...complete, content: [{ type: 'text', text: `pong ${params?.arguments?.n ?? ''}` }] } }
    case 'tools/list':
      return { result: { ...cached, tools: [TOOL] } }
    case 'initialize':
      return {
        result: {
          protocolVersion: agreed(params?.protocolVersion),
          capabilities: CAPABILITIES,
          serverInfo: SERVER_INFO,
        },
      }
    case 'ping':
      return { result: {} }
    case 'server/discover':
      if (eras === 'legacy') return notFound(method)
      return {
        result: { ...cached, supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES, serverInfo: SERVER_INFO },
      }
    default:
      return notFound(method)
  }
}

function agreed(asked: string | undefined): string {
  return asked !== undefined && LEGACY.has(asked) ? asked : NEWEST_LEGACY
}

function notFound(method: string): Answer {
  return { error: { code: -32_601, message: `Method not found: ${method}` } }
}
