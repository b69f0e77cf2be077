import type { Scope } from '@mcp-platform/auth'
import type { ErrorCode } from '@mcp-platform/contract'

/** Facts of a failure that callers may see; they become members of the problem document. */
export interface GatewayErrorFacts {
  readonly template?: string | undefined
  readonly instanceId?: string | undefined
  /** Who owns the instance that is in the way. */
  readonly source?: string | undefined
  readonly retryAfterMs?: number | undefined
  /** Whether the request may have run on a server. Absent where nothing was to be run. */
  readonly executed?: 'no' | 'unknown' | undefined
  readonly attempts?: number | undefined
  /** Sending the same request again can help. */
  readonly retryable?: boolean | undefined
  readonly errors?: readonly { readonly path: string; readonly message: string }[] | undefined
  /** The JSON-RPC error that the server answered with. */
  readonly upstream?: { readonly code: number; readonly message: string; readonly data?: unknown } | undefined
  /** Challenge for `WWW-Authenticate`. */
  readonly challenge?: string | undefined
  /** The scope that the action needs; `GatewayOptions.challenge` makes a challenge of it. */
  readonly missingScope?: Scope | undefined
  /** Further header fields of the answer, such as `RateLimit`; lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Methods for `Allow`. */
  readonly allow?: string | undefined
}

/** Everything that the gateway refuses or fails with. `code` is stable and listed in `@mcp-platform/contract`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly facts: GatewayErrorFacts

  constructor(code: ErrorCode, message: string, facts: GatewayErrorFacts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.facts = facts
  }
}

/** Reason of a call's signal when the caller hung up. Counts neither for nor against the instance. */
export class CallerGoneError extends Error {
  override readonly name = 'CallerGoneError'
  readonly code = 'GATEWAY_CALLER_GONE'

  constructor() {
    super('the caller closed the connection before the answer was complete')
  }
}

/** Reason of a call's signal when its total time ran out. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
  readonly code = 'GATEWAY_DEADLINE'
  readonly totalMs: number

  constructor(totalMs: number) {
    super(`the call took longer than its ${totalMs} ms`)
    this.totalMs = totalMs
  }
}

/** Reason of a call's signal when the gateway stops and the call did not end within the grace. */
export class ShutdownError extends Error {
  override readonly name = 'ShutdownError'
  readonly code = 'GATEWAY_SHUTDOWN'

  constructor() {
    super('the gateway is shutting down')
  }
}
