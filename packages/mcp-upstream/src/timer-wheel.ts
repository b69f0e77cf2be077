/** Something that may run out. The two fields belong to the wheel. */
export interface Timed {
  /** On `performance.now()`'s clock; Infinity: never. */
  dueAt: number
  /** The tick whose slot holds it. */
  tick: number | undefined
  /** Called once when it ran out. */
  expire(): void
}

const TICK_MS = 50
const SLOTS = 32

/**
 * Bounds of thousands of exchanges on one timer: arming again costs a comparison, where a timer per request and per
 * chunk would cost two calls into the runtime. Late by at most 50 ms, never early. Runs only while something waits.
 */
export class TimerWheel {
  readonly #slots: Timed[][] = Array.from({ length: SLOTS }, () => [])
  #held = 0
  #lastTick = 0
  #timer: NodeJS.Timeout | undefined

  /** Runs out in `inMs`, whatever was set before; Infinity disarms. */
  arm(entry: Timed, inMs: number): void {
    entry.dueAt = performance.now() + inMs
    if (entry.dueAt !== Number.POSITIVE_INFINITY) this.#hold(entry)
  }

  disarm(entry: Timed): void {
    entry.dueAt = Number.POSITIVE_INFINITY
  }

  #hold(entry: Timed): void {
    if (this.#timer === undefined) this.#start()
    // What is due far away is looked at again within one turn of the wheel.
    const tick = Math.min(Math.max(Math.ceil(entry.dueAt / TICK_MS), this.#lastTick + 1), this.#lastTick + SLOTS - 1)
    if (entry.tick !== undefined && entry.tick <= tick) return
    entry.tick = tick
    this.#slots[tick % SLOTS]?.push(entry)
    this.#held += 1
  }

  #start(): void {
    this.#lastTick = Math.floor(performance.now() / TICK_MS)
    this.#schedule()
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#turn(), TICK_MS)
    this.#timer.unref()
  }

  #turn(): void {
    const now = Math.floor(performance.now() / TICK_MS)
    // After a long stall every slot is visited once: entries know themselves whether they are due.
    const from = Math.max(this.#lastTick + 1, now - SLOTS + 1)
    for (let tick = from; tick <= now; tick++) this.#visit(tick)
    this.#lastTick = Math.max(this.#lastTick, now)
    if (this.#held > 0) this.#schedule()
    else this.#timer = undefined
  }

  #visit(tick: number): void {
    const slot = this.#slots[tick % SLOTS]
    if (slot === undefined || slot.length === 0) return
    this.#slots[tick % SLOTS] = []
    this.#lastTick = tick
    this.#held -= slot.length
    for (const entry of slot) this.#look(entry, tick)
  }

  #look(entry: Timed, tick: number): void {
    // Held twice when it was armed for an earlier time meanwhile; the earlier slot counts.
    if (entry.tick === undefined || entry.tick > tick) return
    entry.tick = undefined
    if (entry.dueAt === Number.POSITIVE_INFINITY) return
    if (entry.dueAt > performance.now()) {
      this.#hold(entry)
      return
    }
    entry.dueAt = Number.POSITIVE_INFINITY
    entry.expire()
  }
}

/** One for the whole process. */
export const wheel: TimerWheel = new TimerWheel()
