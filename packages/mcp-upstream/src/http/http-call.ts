import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, errors as undiciErrors } from 'undici'
import {
  UpstreamBadAnswerError,
  UpstreamClosedError,
  UpstreamConnectFailedError,
  UpstreamError,
  UpstreamResetError,
  UpstreamTimeoutError,
  type UpstreamTimer,
} from '../errors.js'
import { type Timed, wheel } from '../timer-wheel.js'
import type { ExchangeOptions, Phase } from '../upstream.js'

/** Takes one HTTP answer. Ends with exactly one of `end` and `fail`, unless the call was let go. */
export interface AnswerReader {
  head(status: number, headers: IncomingHttpHeaders): void
  data(chunk: Buffer): void
  end(): void
  fail(error: unknown): void
  /** The call was let go: neither `end` nor `fail` will come. */
  letGo?(): void
}

/** One HTTP request. */
export interface CallOptions {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer | null
}

/** Bounds of one HTTP request, in milliseconds; absent: not bounded. */
export interface CallLimits {
  readonly connectMs: number
  readonly firstByteMs?: number | undefined
  readonly idleMs?: number | undefined
}

/** How long a finished answer may take to let go of its socket before the socket is broken. */
const LINGER_MS = 1_000

const IGNORE: AnswerReader = { head() {}, data() {}, end() {}, fail() {} }

/**
 * One request on a pool: phases, timers, back pressure, and errors told apart by phase.
 * The boundary between "nothing sent" and "perhaps sent" is undici's `onRequestStart`: checked, it does not fire for a
 * refused connection, an unknown host or a reset on accept, and does for everything after.
 */
export class HttpCall implements Dispatcher.DispatchHandler, Timed {
  dueAt: number = Number.POSITIVE_INFINITY
  tick: number | undefined
  index = 0
  #phase: Phase = 'connecting'
  #timer: UpstreamTimer = 'connect'
  readonly #limits: CallLimits
  readonly #observer: Pick<ExchangeOptions, 'onPhase'> | undefined
  #reader: AnswerReader
  #controller: Dispatcher.DispatchController | undefined
  #mayBeSilent = false
  #over = false

  constructor(reader: AnswerReader, limits: CallLimits, observer?: Pick<ExchangeOptions, 'onPhase'> | undefined) {
    this.#reader = reader
    this.#limits = limits
    this.#observer = observer
  }

  get phase(): Phase {
    return this.#phase
  }

  start(pool: Dispatcher, options: CallOptions): void {
    this.#observer?.onPhase?.('connecting')
    wheel.arm(this, this.#limits.connectMs)
    // Whether a message may be sent again is decided above; undici must never do it by itself.
    const { method, path, headers, body } = options
    pool.dispatch({ method, path, headers, body, idempotent: false }, this)
  }

  /** Breaks the call off. The reader fails with `reason`. */
  abort(reason: unknown): void {
    if (this.#over) return
    const reader = this.#reader
    this.#finish()
    reader.fail(reason)
    this.#break(reason)
  }

  /** The reader has all it wants: the rest is read and thrown away for a second, so that the socket can be used again. */
  letGo(): void {
    if (this.#over || this.#reader === IGNORE) return
    const reader = this.#reader
    this.#reader = IGNORE
    this.#timer = 'idle'
    this.resume()
    wheel.arm(this, LINGER_MS)
    reader.letGo?.()
  }

  /** From now on the server may say nothing for as long as it likes: it waits for somebody to answer its question. */
  allowSilence(): void {
    this.#mayBeSilent = true
    if (!this.#over && this.#timer === 'idle') wheel.disarm(this)
  }

  /** Stops reading; the server is not to blame for the silence that follows. */
  pause(): void {
    if (this.#over || this.#reader === IGNORE) return
    wheel.disarm(this)
    this.#controller?.pause()
  }

  resume(): void {
    if (this.#over || this.#controller?.paused !== true) return
    this.#armIdle()
    this.#controller.resume()
  }

  expire(): void {
    const afterMs = this.#bound() ?? 0
    if (this.#reader === IGNORE) this.abort(new UpstreamClosedError({ sent: true }))
    else this.abort(new UpstreamTimeoutError({ timer: this.#timer, afterMs, sent: this.#phase !== 'connecting' }))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#over) {
      this.#break(undefined)
      return
    }
    this.#enter('sent', 'first_byte')
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#over || status < 200) return
    if (this.#reader !== IGNORE) this.#enter('headers', 'idle')
    try {
      this.#reader.head(status, headers)
    } catch (error) {
      this.abort(error)
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#reader === IGNORE) return
    try {
      this.#reader.data(chunk)
    } catch (error) {
      this.abort(error)
    }
    if (this.#over || controller.paused || this.#reader === IGNORE) return
    this.#armIdle()
  }

  onResponseEnd(): void {
    if (this.#over) return
    const reader = this.#reader
    this.#finish()
    try {
      reader.end()
    } catch (error) {
      reader.fail(error)
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#over) return
    const reader = this.#reader
    this.#finish()
    reader.fail(toUpstreamError(error, this.#phase))
  }

  #enter(phase: Phase, timer: UpstreamTimer): void {
    this.#phase = phase
    this.#timer = timer
    wheel.arm(this, this.#bound() ?? Number.POSITIVE_INFINITY)
    this.#observer?.onPhase?.(phase)
  }

  #bound(): number | undefined {
    if (this.#timer === 'connect') return this.#limits.connectMs
    return this.#timer === 'first_byte' ? this.#limits.firstByteMs : this.#limits.idleMs
  }

  #armIdle(): void {
    if (!this.#mayBeSilent) wheel.arm(this, this.#limits.idleMs ?? Number.POSITIVE_INFINITY)
  }

  #finish(): void {
    this.#over = true
    this.#reader = IGNORE
    wheel.disarm(this)
  }

  #break(reason: unknown): void {
    this.#controller?.abort(reason instanceof Error ? reason : new UpstreamClosedError({ sent: true }))
  }
}

function toUpstreamError(error: Error, phase: Phase): UpstreamError {
  if (error instanceof UpstreamError) return error
  const sent = phase !== 'connecting'
  if (error instanceof undiciErrors.ClientDestroyedError || error instanceof undiciErrors.ClientClosedError) {
    return new UpstreamClosedError({ sent })
  }
  if (!sent) return new UpstreamConnectFailedError({ cause: error })
  if (error instanceof undiciErrors.HTTPParserError || error instanceof undiciErrors.HeadersOverflowError) {
    return new UpstreamBadAnswerError({ detail: 'not HTTP', cause: error })
  }
  return new UpstreamResetError({ sent, cause: error })
}
