/** Something that may run out. The fields belong to the wheel. */
export interface Timed {
  /** On `performance.now()`'s clock; Infinity: never. */
  dueAt: number
  /** The tick whose slot holds it, and where in the slot. */
  tick: number | undefined
  index: number
  /** Called once when it ran out. */
  expire(): void
}

const TICK_MS = 50
const SLOTS = 32

/**
 * Bounds of thousands of exchanges on one timer: arming again costs a comparison, where a timer per request and per
 * chunk would cost two calls into the runtime. Late by at most 50 ms, never early. Runs only while something waits.
 * What is disarmed leaves at once: an exchange held until its slot comes round would live to be an old object for the
 * garbage collector.
 */
export class TimerWheel {
  readonly #slots: Timed[][] = Array.from({ length: SLOTS }, () => [])
  #held = 0
  #lastTick = 0
  #timer: NodeJS.Timeout | undefined

  /** Runs out in `inMs`, whatever was set before; Infinity disarms. */
  arm(entry: Timed, inMs: number): void {
    if (inMs === Number.POSITIVE_INFINITY) {
      this.disarm(entry)
      return
    }
    entry.dueAt = performance.now() + inMs
    this.#hold(entry)
  }

  disarm(entry: Timed): void {
    entry.dueAt = Number.POSITIVE_INFINITY
    this.#remove(entry)
  }

  #hold(entry: Timed): void {
    if (this.#timer === undefined) this.#start()
    // What is due far away is looked at again within one turn of the wheel.
    const tick = Math.min(Math.max(Math.ceil(entry.dueAt / TICK_MS), this.#lastTick + 1), this.#lastTick + SLOTS - 1)
    if (entry.tick !== undefined && entry.tick <= tick) return
    this.#remove(entry)
    const slot = this.#slotAt(tick)
    entry.tick = tick
    entry.index = slot.push(entry) - 1
    this.#held += 1
  }

  /** The last of the slot takes its place. */
  #remove(entry: Timed): void {
    if (entry.tick === undefined) return
    const slot = this.#slotAt(entry.tick)
    const last = slot.pop()
    if (last !== undefined && last !== entry) {
      slot[entry.index] = last
      last.index = entry.index
    }
    entry.tick = undefined
    this.#held -= 1
  }

  #slotAt(tick: number): Timed[] {
    return this.#slots[tick % SLOTS] as Timed[]
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
    // Every tick that passed is visited, after a long stall each slot once: entries know whether they are due.
    const first = this.#lastTick + 1
    const last = Math.min(now, this.#lastTick + SLOTS)
    this.#lastTick = now
    for (let tick = first; tick <= last; tick++) this.#visit(tick)
    if (this.#held > 0) this.#schedule()
    else this.#timer = undefined
  }

  #visit(tick: number): void {
    const slot = this.#slotAt(tick)
    // From a copy: expiring one may disarm others, and what is not due yet goes to another slot.
    for (const entry of slot.slice()) {
      if (entry.tick !== undefined && entry.tick <= tick) this.#look(entry)
    }
  }

  #look(entry: Timed): void {
    this.#remove(entry)
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
