import type { HealthEvent } from './events.js'
import type { CircuitChange, CircuitStore } from './store.js'

/** What a recorder needs. */
export interface CircuitRecorderOptions {
  readonly store: CircuitStore
  /** Hears why a write failed. The changes are kept and go with the next write. */
  readonly onError: (error: unknown) => void
}

/**
 * Writes circuit changes to a store after the fact: `record` only remembers, writes follow one at a time, and of several changes of
 * one circuit only the last is written. One recorder serves any number of monitors: `onEvent: (event) => recorder.record(event)`.
 */
export class CircuitRecorder {
  readonly #options: CircuitRecorderOptions
  #pending = new Map<string, CircuitChange>()
  #writing: Promise<void> | undefined

  constructor(options: CircuitRecorderOptions) {
    this.#options = options
  }

  /** Takes in an event of a monitor; only circuits and removals matter here. */
  record(event: HealthEvent): void {
    const change = changeOf(event)
    if (change === undefined) return
    this.#pending.set(keyOf(change), change)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when all that was recorded so far was written, or refused by the store. Call it before the store is closed. */
  async flush(): Promise<void> {
    if (this.#pending.size > 0) this.#writing ??= this.#writeAll()
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    // Events of one moment (an update that removes ten targets) go into one write.
    await Promise.resolve()
    let written = true
    while (written && this.#pending.size > 0) written = await this.#writeOnce()
    this.#writing = undefined
  }

  async #writeOnce(): Promise<boolean> {
    const batch = this.#pending
    this.#pending = new Map()
    try {
      await this.#options.store.save([...batch.values()])
      return true
    } catch (error) {
      this.#pending = new Map([...batch, ...this.#pending])
      this.#options.onError(error)
      return false
    }
  }
}

function changeOf(event: HealthEvent): CircuitChange | undefined {
  if (event.type === 'circuit') return { kind: 'set', circuit: event.circuit }
  if (event.type === 'removed') return { kind: 'forget', group: event.group, id: event.id }
  return undefined
}

function keyOf(change: CircuitChange): string {
  const { group, id } = change.kind === 'set' ? change.circuit : change
  return JSON.stringify([group, id])
}
