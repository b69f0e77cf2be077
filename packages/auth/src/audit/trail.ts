import { AuthUnavailableError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import { Turns } from '../identity/turns.js'
import { type Denial, DenialCounter } from './denials.js'
import type { AuditEvent } from './event.js'
import type { AuditStore } from './store.js'

const DEFAULT_FLUSH_MS = 1_000
const DEFAULT_MAX_PENDING = 10_000
const BATCH = 200

/** Keeps events while the store does not answer. `FileAuditSpool` of `/node` is one. */
export interface AuditSpool {
  /** Safe when resolved, also from `kill -9`. */
  append(events: readonly AuditEvent[]): Promise<void>
  /** Gives all events in their order to `write`, and forgets them when it resolved. */
  drain(write: (events: readonly AuditEvent[]) => Promise<void>): Promise<void>
}

/** Options of {@link AuditTrail}. */
export interface AuditTrailOptions {
  readonly store: Pick<AuditStore, 'append'>
  /** Absent: events wait in memory, up to `maxPending`. */
  readonly spool?: AuditSpool | undefined
  /** Time between writes, in milliseconds. @default 1_000 */
  readonly flushMs?: number | undefined
  /** Events that wait; beyond it they are dropped and counted. @default 10_000 */
  readonly maxPending?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/**
 * Takes audit events on the request path without waiting and writes them each second. Events that belong to a change are
 * written with it, by the store; this is for logins and refusals. While the store fails, events go to the spool and are
 * replayed in order; the store leaves out those it has. Call {@link close} at the end.
 */
export class AuditTrail {
  readonly #options: AuditTrailOptions
  readonly #maxPending: number
  readonly #denials: DenialCounter
  readonly #turns = new Turns()
  #pending: AuditEvent[] = []
  #dropped = 0
  #spooled = true
  #timer: NodeJS.Timeout | undefined

  constructor(options: AuditTrailOptions) {
    this.#options = options
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING
    this.#denials = new DenialCounter(options.now)
  }

  /** Writes each second from now on. */
  start(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#tick(), this.#options.flushMs ?? DEFAULT_FLUSH_MS).unref()
  }

  /** Synchronous; never throws. */
  record(event: AuditEvent): void {
    if (this.#pending.length < this.#maxPending) this.#pending.push(event)
    else this.#dropped++
  }

  /** Notes a refusal; see `DenialCounter`. */
  denied(denial: Denial): void {
    this.#denials.note(denial)
  }

  /** Writes what waits. @throws AuthUnavailableError when it could neither be written nor spooled; it is kept then */
  flush(): Promise<void> {
    return this.#turns.run(() => this.#flush())
  }

  /** Stops the timer and writes everything. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const event of this.#denials.drain({ all: true })) this.record(event)
    await this.flush()
  }

  async #tick(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#options.onEvent?.({ type: 'audit-deferred', pending: this.#pending.length, error })
    }
  }

  async #flush(): Promise<void> {
    for (const event of this.#denials.drain()) this.record(event)
    this.#tellDropped()
    try {
      await this.#replay()
      await this.#write()
    } catch (error) {
      await this.#spool(error)
    }
  }

  /** What was spooled comes first, also what an earlier process has left. */
  async #replay(): Promise<void> {
    if (!this.#spooled) return
    await this.#options.spool?.drain((events) => this.#append(events))
    this.#spooled = false
  }

  async #write(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, BATCH)
      await this.#append(batch)
      this.#pending.splice(0, batch.length)
    }
  }

  async #append(events: readonly AuditEvent[]): Promise<void> {
    for (let start = 0; start < events.length; start += BATCH) {
      const batch = events.slice(start, start + BATCH)
      await this.#options.store.append(batch)
      this.#options.onEvent?.({ type: 'audit-written', events: batch.length })
    }
  }

  async #spool(cause: unknown): Promise<void> {
    const { spool, onEvent } = this.#options
    if (spool === undefined) throw new AuthUnavailableError('the audit trail cannot be written', { cause })
    const events = [...this.#pending]
    if (events.length > 0) await spool.append(events)
    this.#pending.splice(0, events.length)
    this.#spooled = true
    onEvent?.({ type: 'audit-deferred', pending: events.length, error: cause })
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return
    this.#options.onEvent?.({ type: 'audit-dropped', dropped: this.#dropped })
    this.#dropped = 0
  }
}
