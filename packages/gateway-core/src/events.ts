import type { Scope } from '@mcp-platform/auth'
import type { BalancerEvent } from '@mcp-platform/balancer'
import type { RegistryEvent } from '@mcp-platform/core-registry'
import type { HealthEvent } from '@mcp-platform/health'
import type { UpstreamEvent } from '@mcp-platform/mcp-upstream'

/** One answered or failed call, for logs, metrics and audit. No arguments, no results, no credentials. */
export interface CallEvent {
  readonly type: 'call'
  readonly requestId: string
  readonly face: 'rest' | 'native'
  readonly principal: string
  readonly template: string
  readonly method: string
  readonly name: string | undefined
  readonly instanceId: string | undefined
  readonly attempts: number
  readonly durationMs: number
  readonly upstreamMs: number
  /** `ok`, or the code of the problem. */
  readonly outcome: string
}

/** One attempt that failed and what was decided. */
export interface AttemptFailedEvent {
  readonly type: 'attempt-failed'
  readonly requestId: string
  readonly template: string
  readonly instanceId: string
  readonly attempt: number
  readonly code: string
  readonly message: string
  readonly sent: boolean
  readonly next: 'another-instance' | 'give-up'
}

/** Somebody wanted to do what they may not do. */
export interface DeniedEvent {
  readonly type: 'denied'
  readonly requestId?: string | undefined
  /** Where the request came from. */
  readonly address?: string | undefined
  readonly principal: string
  readonly scope: Scope
  /** What was missing: the scope itself, or a grant that covers the template or the tool. */
  readonly reason: 'scope' | 'template' | 'tool'
  readonly template: string | undefined
  readonly tool: string | undefined
}

/** Somebody came with a session id that was given to somebody else: it is not served, and somebody should know. */
export interface ForeignSessionEvent {
  readonly type: 'foreign-session'
  readonly requestId: string
  readonly address: string | undefined
  readonly principal: string
  readonly template: string | undefined
}

/** What a gateway tells its observer. Synchronous and cheap; an observer that throws is ignored. */
export type GatewayEvent =
  | CallEvent
  | AttemptFailedEvent
  | DeniedEvent
  | ForeignSessionEvent
  | { readonly type: 'list-failed'; readonly template: string; readonly method: string; readonly error: unknown }
  /** Instances of a template offer different tools; once per change. */
  | { readonly type: 'catalogue-differs'; readonly template: string; readonly instanceIds: readonly string[] }
  /** They offer the same tools again. */
  | { readonly type: 'catalogue-agrees'; readonly template: string; readonly instanceIds: readonly string[] }
  | { readonly type: 'internal-error'; readonly requestId: string; readonly error: unknown }
  | { readonly type: 'balancer'; readonly template: string; readonly event: BalancerEvent }
  | { readonly type: 'health'; readonly template: string; readonly event: HealthEvent }
  | { readonly type: 'registry'; readonly event: RegistryEvent }
  | { readonly type: 'upstream'; readonly template: string; readonly instanceId: string; readonly event: UpstreamEvent }

export type GatewayObserver = (event: GatewayEvent) => void
