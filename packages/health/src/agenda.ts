import type { Scheduler } from './scheduler.js'

/** setTimeout overflows above 2^31 - 1 ms and would fire at once. */
const LONGEST_WAIT_MS = 2 ** 30

/** A list of what is due when, for all targets, on one timer. Nothing fires before `start`. */
export class Agenda {
  readonly #scheduler: Scheduler
  readonly #fire: (key: string) => void
  readonly #due = new Map<string, number>()
  #running = false
  #armedForMs = Number.POSITIVE_INFINITY
  #cancelTimer: () => void = () => undefined

  constructor(scheduler: Scheduler, fire: (key: string) => void) {
    this.#scheduler = scheduler
    this.#fire = fire
  }

  start(): void {
    this.#running = true
    this.#armForEarliest()
  }

  /** Stops firing; what is due stays on the list and fires after the next `start`. */
  stop(): void {
    this.#running = false
    this.#disarm()
  }

  set(key: string, dueMs: number): void {
    this.#due.set(key, dueMs)
    // An entry that moved to later needs no new timer: the old one fires, finds nothing due and is set for the next.
    if (this.#running && dueMs < this.#armedForMs) this.#arm(dueMs)
  }

  /** Moves an entry forward, never back. */
  setSooner(key: string, dueMs: number): void {
    const current = this.#due.get(key)
    if (current === undefined || dueMs < current) this.set(key, dueMs)
  }

  delete(key: string): void {
    this.#due.delete(key)
  }

  dueMs(key: string): number | undefined {
    return this.#due.get(key)
  }

  #wake(): void {
    this.#armedForMs = Number.POSITIVE_INFINITY
    const nowMs = this.#scheduler.now()
    const keys = [...this.#due].filter(([, dueMs]) => dueMs <= nowMs).map(([key]) => key)
    for (const key of keys) this.#due.delete(key)
    for (const key of keys) this.#fire(key)
    this.#armForEarliest()
  }

  #armForEarliest(): void {
    if (!this.#running) return
    let earliest = Number.POSITIVE_INFINITY
    for (const dueMs of this.#due.values()) earliest = Math.min(earliest, dueMs)
    if (earliest < this.#armedForMs) this.#arm(earliest)
  }

  #arm(dueMs: number): void {
    this.#disarm()
    this.#armedForMs = dueMs
    const delayMs = Math.ceil(Math.max(0, dueMs - this.#scheduler.now()))
    this.#cancelTimer = this.#scheduler.after(Math.min(delayMs, LONGEST_WAIT_MS), () => this.#wake())
  }

  #disarm(): void {
    this.#cancelTimer()
    this.#armedForMs = Number.POSITIVE_INFINITY
  }
}
