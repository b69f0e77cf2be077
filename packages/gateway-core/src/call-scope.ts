import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deadline, DeadlineWheel } from './deadline-wheel.js'
import { CallerGoneError, DeadlineError, GatewayError, ShutdownError } from './errors.js'

export interface CallScopeOptions {
  readonly response: ServerResponse
  readonly wheel: DeadlineWheel
  readonly totalMs: number
  readonly scopes: Set<CallScope>
  /** How long the client may take to answer a question, in milliseconds; the total time stands still meanwhile. */
  readonly askMs?: number | undefined
  /** A legacy client that hangs up has not cancelled: it may come back for the answer. @default false */
  readonly outlivesCaller?: boolean | undefined
}

/**
 * The life of one call: its signal aborts when the caller hangs up, when its total time has run out, or when the
 * gateway stops. End it when the answer is complete.
 */
export class CallScope {
  readonly #abort = new AbortController()
  readonly #options: CallScopeOptions
  readonly #questions = new Set<string>()
  #deadline: Deadline
  /** What was left of the total time when the client was asked. */
  #leftMs: number
  readonly #scopes: Set<CallScope>
  readonly #response: ServerResponse
  readonly #gone = (): void => this.#abort.abort(new CallerGoneError())

  constructor(options: CallScopeOptions) {
    this.#response = options.response
    this.#scopes = options.scopes
    this.#scopes.add(this)
    this.#options = options
    this.#leftMs = options.totalMs
    this.#deadline = this.#startTotal()
    if (options.outlivesCaller !== true) options.response.on('close', this.#gone)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** For a session that cancels its calls by the client's own id. */
  get controller(): AbortController {
    return this.#abort
  }

  /** The client has a question to answer: the total time stands still, and a bound of its own runs. */
  hold(question: string): void {
    const { wheel, askMs } = this.#options
    if (askMs === undefined || !this.#scopes.has(this)) return
    this.#questions.add(question)
    if (this.#questions.size > 1) return
    this.#leftMs = this.#deadline.leftMs
    this.#deadline.cancel()
    this.#deadline = wheel.start(askMs, () => this.#abort.abort(new DeadlineError(askMs)))
  }

  /** The question is answered; with the last one the time goes on. */
  release(question: string): void {
    if (!this.#questions.delete(question) || this.#questions.size > 0) return
    this.#deadline.cancel()
    this.#deadline = this.#startTotal()
  }

  stop(): void {
    this.#abort.abort(new ShutdownError())
  }

  end(): void {
    this.#deadline.cancel()
    this.#scopes.delete(this)
    this.#response.off('close', this.#gone)
    this.#questions.clear()
  }

  #startTotal(): Deadline {
    const { wheel, totalMs } = this.#options
    return wheel.start(this.#leftMs, () => this.#abort.abort(new DeadlineError(totalMs)))
  }
}

/**
 * The total time of a call: the template's, which a caller may only shorten with `Request-Timeout: <seconds>`.
 * @throws GatewayError REQUEST_MALFORMED for a header that is no positive number
 */
export function totalTimeMs(request: IncomingMessage, templateMs: number): number {
  const header = request.headers['request-timeout']
  if (header === undefined) return templateMs
  const seconds = typeof header === 'string' && /^\d{1,7}(\.\d{1,3})?$/.test(header) ? Number(header) : 0
  if (seconds > 0) return Math.min(templateMs, seconds * 1000)
  throw new GatewayError(
    'REQUEST_MALFORMED',
    `Request-Timeout must be a positive number of seconds, got "${String(header)}"`,
  )
}
