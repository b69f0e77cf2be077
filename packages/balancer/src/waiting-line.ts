import type { Endpoint } from './endpoint.js'
import { QueueTimeoutError } from './errors.js'
import type { Lease } from './lease.js'
import type { PickContext } from './policy.js'

/** How often the line asks whether health has changed while calls wait, in milliseconds. Releases are seen at once. */
const LOOK_EVERY_MS = 100

/** One call that waits for an endpoint. */
export interface Waiter<E extends Endpoint> {
  readonly context: PickContext
  readonly sinceMs: number
  serve(lease: Lease<E>): void
  refuse(error: unknown): void
}

/** How long, at most, and until when a call waits. */
export interface WaitBounds {
  readonly maxWaitMs: number
  readonly signal: AbortSignal | undefined
}

/** First come, first served. Timers run only while somebody waits, and never keep a process alive. */
export class WaitingLine<E extends Endpoint> {
  readonly #look: () => void
  readonly #waiters = new Set<Waiter<E>>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** `look` is called from time to time while somebody waits. */
  constructor(look: () => void) {
    this.#look = look
  }

  get size(): number {
    return this.#waiters.size
  }

  /** Who waits, in the order they came. Serving or refusing one while iterating is fine. */
  [Symbol.iterator](): IterableIterator<Waiter<E>> {
    return this.#waiters.values()
  }

  /** Rejects with QueueTimeoutError, with the reason of the signal, or with what the waiter is refused with. */
  join(context: PickContext, sinceMs: number, { maxWaitMs, signal }: WaitBounds): Promise<Lease<E>> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        this.#remove(waiter)
      }
      const refuse = (error: unknown) => {
        leave()
        reject(error)
      }
      const serve = (lease: Lease<E>) => {
        leave()
        resolve(lease)
      }
      const abort = () => refuse(signal?.reason)
      const waiter: Waiter<E> = { context, sinceMs, serve, refuse }
      const timer = setTimeout(() => refuse(new QueueTimeoutError(maxWaitMs)), maxWaitMs)
      letExit(timer)
      signal?.addEventListener('abort', abort, { once: true })
      this.#add(waiter)
    })
  }

  #add(waiter: Waiter<E>): void {
    this.#waiters.add(waiter)
    if (this.#timer !== undefined) return
    this.#timer = setInterval(this.#look, LOOK_EVERY_MS)
    letExit(this.#timer)
  }

  #remove(waiter: Waiter<E>): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

// Timers are plain numbers outside Node.
function letExit(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') timer.unref()
}
