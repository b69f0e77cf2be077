import type { Scope } from '@mcp-platform/auth'

/**
 * What a failure may mean for a method, in the terms of BALANCING.md's table:
 * `safe` changes nothing, `read` changes nothing as far as anyone knows, `call` runs a tool, `once` may change something.
 */
export type RetryClass = 'safe' | 'read' | 'initialize' | 'call' | 'once'

// A map, not an object: a method may be called "constructor".
const RETRY: ReadonlyMap<string | undefined, RetryClass> = new Map([
  ['server/discover', 'safe'],
  ['ping', 'safe'],
  ['tools/list', 'safe'],
  ['prompts/list', 'safe'],
  ['resources/list', 'safe'],
  ['resources/templates/list', 'safe'],
  ['completion/complete', 'safe'],
  ['tasks/get', 'safe'],
  ['prompts/get', 'read'],
  ['resources/read', 'read'],
  ['initialize', 'initialize'],
  ['tools/call', 'call'],
])

/** Unknown and vendor methods may do anything: they are sent at most once. */
export function retryClass(method: string | undefined): RetryClass {
  return RETRY.get(method) ?? 'once'
}

const SCOPES: readonly (readonly [prefix: string, scope: Scope])[] = [
  ['tools/call', 'tools:call'],
  ['tasks/', 'tools:call'],
  ['tools/', 'tools:read'],
  ['resources/', 'resources:read'],
  ['subscriptions/', 'resources:read'],
  ['prompts/', 'prompts:read'],
  ['completion/', 'prompts:read'],
]

const HANDSHAKE: ReadonlySet<string> = new Set(['initialize', 'server/discover', 'ping', 'logging/setLevel'])

/** The scope a method needs. What nobody listed can do anything, so it needs the right to call tools. */
export function requiredScope(method: string | undefined): Scope {
  if (method === undefined) return 'tools:read'
  if (HANDSHAKE.has(method) || method.startsWith('notifications/')) return 'tools:read'
  return SCOPES.find(([prefix]) => method.startsWith(prefix))?.[1] ?? 'tools:call'
}
