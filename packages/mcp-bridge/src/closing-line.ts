import type { UpstreamSession } from '@mcp-platform/mcp-upstream'

/** Sessions of one server that are closed at the same time: each costs it a request, and may cost it seconds. */
const AT_ONCE = 32

/**
 * Closes upstream sessions a few at a time, in a line of its own for each key, so that a server which does not answer
 * holds up nobody else. Thousands that expire together must not be a burst that no server stands.
 */
export class ClosingLines {
  readonly #lines = new Map<string, ClosingLine>()

  /** Sessions that are not closed yet. */
  get size(): number {
    return [...this.#lines.values()].reduce((sum, { size }) => sum + size, 0)
  }

  add(key: string, session: UpstreamSession): void {
    const line = this.#lines.get(key) ?? new ClosingLine(() => this.#lines.delete(key))
    this.#lines.set(key, line)
    line.add(session)
  }

  /** Resolves when every session in the lines is closed. */
  async emptied(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.emptied))
  }

  /** Closes nothing more; what has been begun goes on. */
  abandon(): void {
    for (const line of this.#lines.values()) line.abandon()
  }
}

class ClosingLine {
  readonly emptied: Promise<void>
  readonly #waiting: UpstreamSession[] = []
  readonly #onEmpty: () => void
  #closing = 0

  constructor(onEmpty: () => void) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.emptied = promise
    this.#onEmpty = () => {
      onEmpty()
      resolve()
    }
  }

  get size(): number {
    return this.#waiting.length + this.#closing
  }

  add(session: UpstreamSession): void {
    this.#waiting.push(session)
    this.#work()
  }

  abandon(): void {
    this.#waiting.length = 0
  }

  #work(): void {
    while (this.#closing < AT_ONCE) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      void this.#close(next)
    }
    if (this.#closing === 0) this.#onEmpty()
  }

  async #close(session: UpstreamSession): Promise<void> {
    this.#closing += 1
    // Bounded, and never rejects.
    await session.close()
    this.#closing -= 1
    this.#work()
  }
}
