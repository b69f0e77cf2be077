import type { Executed } from '@mcp-platform/contract'
import { ClientClosedError, GatewayClientError, GatewayTimeoutError, GatewayUnreachableError } from './errors.js'

/** Who may end a request early, and by when it must have ended. */
export interface ScopeOptions {
  readonly url: string
  /** Absent: no bound (event streams). */
  readonly timeoutMs?: number | undefined
  readonly caller?: AbortSignal | undefined
  readonly closing: AbortSignal
}

/** The life of one attempt: one signal for all that can end it, and what its failure means. */
export class RequestScope {
  readonly signal: AbortSignal
  readonly #options: ScopeOptions
  readonly #deadline: AbortSignal | undefined
  #sent = false

  constructor(options: ScopeOptions) {
    this.#options = options
    this.#deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs)
    const signals = [options.caller, this.#deadline, options.closing]
    this.signal = AbortSignal.any(signals.filter((signal) => signal !== undefined))
  }

  /** Something may have reached the gateway from now on. */
  markSent(): void {
    this.#sent = true
  }

  get executed(): Executed {
    return this.#sent ? 'unknown' : 'no'
  }

  /** What the caller hears: its own reason when it gave up, else an error of this package. */
  explain(error: unknown): unknown {
    const { caller, closing, timeoutMs, url } = this.#options
    if (error instanceof GatewayClientError) return error
    if (caller?.aborted === true) return caller.reason
    if (closing.aborted) return new ClientClosedError()
    if (this.#deadline?.aborted === true) {
      return new GatewayTimeoutError({ timeoutMs: timeoutMs ?? 0, executed: this.executed })
    }
    return new GatewayUnreachableError({ url, reason: reasonOf(error), executed: this.executed, cause: error })
  }
}

function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  // Node tries all addresses of a name and reports their failures together; the error of all has the code of the first.
  if ('code' in error && typeof error.code === 'string') return error.code
  return 'message' in error ? String(error.message) : 'unknown'
}
