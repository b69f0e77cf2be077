import type { MessageSink, ReplyEnvelope } from '@mcp-platform/mcp-upstream'

/** How long equal announcements of several instances are waited for, in milliseconds. */
export const GATHER_MS = 100
/** Announcements held at once; with more of them all go out. */
const MAX_HELD = 1_000

interface Held {
  readonly json: Buffer
  readonly envelope: ReplyEnvelope
}

/**
 * Makes one announcement of equal ones that several instances make at about the same time: what changes behind all of
 * them is told by each. It goes out after the last that it stands for, so nothing is missed. What is no announcement of a
 * change passes at once.
 */
export class Gatherer {
  readonly #sink: MessageSink
  readonly #onFailed: (error: unknown) => void
  readonly #held = new Map<string, Held>()
  #timer: NodeJS.Timeout | undefined

  /** `onFailed`: the sink rejected a message that was held. */
  constructor(sink: MessageSink, onFailed: (error: unknown) => void) {
    this.#sink = sink
    this.#onFailed = onFailed
  }

  /** `gathers`: others may say the same. */
  take(json: Buffer, envelope: ReplyEnvelope, gathers: boolean): void | Promise<void> {
    const key = gathers ? keyOf(json, envelope) : undefined
    if (key === undefined) return this.#sink.message(json, envelope)
    if (!this.#held.has(key)) this.#held.set(key, { json, envelope })
    if (this.#held.size >= MAX_HELD) return this.#flush()
    this.#timer ??= setTimeout(() => void this.#flush().catch(this.#onFailed), GATHER_MS).unref()
  }

  /** Forgets what is held. */
  close(): void {
    clearTimeout(this.#timer)
    this.#held.clear()
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const all = [...this.#held.values()]
    this.#held.clear()
    for (const { json, envelope } of all) await this.#sink.message(json, envelope)
  }
}

// What tells two changes apart: the list, or the resource.
function keyOf(json: Buffer, { method, params }: ReplyEnvelope): string | undefined {
  if (method?.endsWith('/list_changed')) return method
  if (method !== 'notifications/resources/updated' || !params) return undefined
  const { uri }: { uri?: unknown } = JSON.parse(json.toString('utf8', params.start, params.end)) ?? {}
  return typeof uri === 'string' ? `${method} ${uri}` : undefined
}
