import type { CircuitChange, CircuitStore, HealthEvent } from '@mcp-platform/health'

/** Changes are gathered for this long and written as one. */
const GATHER_MS = 250
const RETRY_MS = 5_000

/**
 * Writes circuits down after the fact, so that a restart does not hammer a dead server. Never on the way of a request:
 * events are gathered, a failed write is repeated with what came since.
 */
export class CircuitSaver {
  readonly #store: CircuitStore
  readonly #onError: (error: unknown) => void
  readonly #waiting = new Map<string, CircuitChange>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(store: CircuitStore, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  observe(event: HealthEvent): void {
    const change = changeOf(event)
    if (change === undefined) return
    this.#put(change)
    this.#schedule(GATHER_MS)
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#write()
    clearTimeout(this.#timer)
  }

  #put(change: CircuitChange): void {
    const key = change.kind === 'set' ? `${change.circuit.group}/${change.circuit.id}` : `${change.group}/${change.id}`
    this.#waiting.set(key, change)
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#write(), afterMs)
    this.#timer.unref()
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeWaiting())
    return this.#writing
  }

  async #writeWaiting(): Promise<void> {
    const changes = [...this.#waiting.values()]
    if (changes.length === 0) return
    this.#waiting.clear()
    try {
      await this.#store.save(changes)
    } catch (error) {
      this.#onError(error)
      const newer = [...this.#waiting.values()]
      for (const change of [...changes, ...newer]) this.#put(change)
      this.#schedule(RETRY_MS)
    }
  }
}

function changeOf(event: HealthEvent): CircuitChange | undefined {
  if (event.type === 'circuit') return { kind: 'set', circuit: event.circuit }
  if (event.type === 'removed') return { kind: 'forget', group: event.group, id: event.id }
  return undefined
}
