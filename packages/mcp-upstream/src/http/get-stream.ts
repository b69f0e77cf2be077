import type { ReplyEnvelope } from '../envelope.js'
import { UpstreamBadAnswerError, UpstreamHttpStatusError, UpstreamUnauthorizedError } from '../errors.js'
import type { MessageSink } from '../upstream.js'
import { AnswerFlow } from './answer-flow.js'
import type { HttpCall } from './http-call.js'
import { mayRetry, readReconnecting } from './resume.js'
import { SseFeed } from './sse-feed.js'

/** From now on nothing is missed; `missed`: something may have been until now. */
type OnOpen = (missed: boolean) => void

/** One connection of the stream. */
export interface GetStreamCall {
  readonly feed: SseFeed
  readonly signal: AbortSignal
  onCall(call: HttpCall): void
  onOpen(): void
}

export interface GetStreamOptions {
  /** Opens and reads one connection, from `feed.lastEventId` on. */
  readonly connect: (call: GetStreamCall) => Promise<void>
  /** The server does not know the session any more. */
  readonly lose: () => void
  /** The server gave the session an id. */
  readonly hasId: boolean
  /** Another process had opened the session, and may have had its stream. */
  readonly isInherited: boolean
  readonly maxEventBytes: number
}

/**
 * What a legacy server says outside of any answer, for as long as its session lives: a server that is away is asked
 * again, ever more slowly, until it is back. One that does not know the session any more has lost it.
 */
export class GetStream {
  readonly #options: GetStreamOptions
  /** The server has opened the stream once. */
  #hadStream = false

  constructor(options: GetStreamOptions) {
    this.#options = options
  }

  /**
   * Everything outside of answers, over as many GET streams as it takes. Resolves with the signal only; rejects when the
   * sink failed or the connection was closed.
   */
  async read(sink: MessageSink, signal: AbortSignal, onOpen?: OnOpen): Promise<void> {
    const source = new ListenSource(this.#options.maxEventBytes)
    const { feed } = source
    const pumped = source.pump(sink)
    let wasAway = false
    const opened = (): void => {
      this.#hadStream = true
      // With the id of the last event the server can tell of those after it.
      onOpen?.(wasAway && feed.lastEventId === undefined)
      wasAway = false
    }
    const connect = async (): Promise<void> => {
      try {
        await this.#options.connect({ feed, signal, onCall: (call) => source.reading(call), onOpen: opened })
      } catch (error) {
        wasAway ||= !feed.isAnswered
        throw error
      }
    }
    try {
      await Promise.race([this.#connectForEver(connect, feed, signal, onOpen), pumped])
    } finally {
      source.close()
    }
  }

  async #connectForEver(
    connect: () => Promise<void>,
    feed: SseFeed,
    signal: AbortSignal,
    onOpen?: OnOpen,
  ): Promise<void> {
    const isPassing = (error: unknown): boolean => this.#isPassing(error)
    try {
      const failures = await this.#tryOnce(connect)
      const isDone = (): boolean => signal.aborted
      await readReconnecting({ feed, signal, connect, isDone, isEndless: true, isPassing, failures })
    } catch (error) {
      if (this.#isLoss(error)) this.#options.lose()
      else if (this.#isNoStream(error)) await withoutStream(signal, onOpen)
      else throw error
    }
  }

  async #tryOnce(connect: () => Promise<void>): Promise<number> {
    try {
      await connect()
      return 0
    } catch (error) {
      if (this.#isNoStream(error) || !this.#isPassing(error)) throw error
      return 1
    }
  }

  /** Credentials may be renewed at a server that had taken them. */
  #isPassing(error: unknown): boolean {
    return mayRetry(error) || (this.#hadStream && error instanceof UpstreamUnauthorizedError)
  }

  /** No session, no stream: a server that had offered one does not know us any more, whichever way it says so. */
  #isLoss(error: unknown): boolean {
    if (!(error instanceof UpstreamHttpStatusError) || mayRetry(error)) return false
    if (this.#options.hasId && error.status === 404) return true
    return this.#hadStream || (this.#options.isInherited && error.status === 400)
  }

  /** 405 and the like, before there was any stream. */
  #isNoStream(error: unknown): boolean {
    if (this.#hadStream) return false
    if (error instanceof UpstreamHttpStatusError) return error.status === 501 || !mayRetry(error)
    return error instanceof UpstreamUnauthorizedError || error instanceof UpstreamBadAnswerError
  }
}

/** The server offers no GET stream: then there is nothing to hear until the session ends. */
async function withoutStream(signal: AbortSignal, onOpen?: OnOpen): Promise<void> {
  onOpen?.(false)
  if (!signal.aborted) await aborted(signal)
}

/** Hands what a GET stream brings to a sink, one at a time. */
class ListenSource {
  readonly feed: SseFeed
  readonly #flow: AnswerFlow
  #call: HttpCall | undefined

  constructor(maxEventBytes: number) {
    const flow = new AnswerFlow({
      pause: () => this.#call?.pause(),
      resume: () => this.#call?.resume(),
      cancel: () => {},
    })
    this.#flow = flow
    this.feed = new SseFeed({
      maxEventBytes,
      message: (json: Buffer, envelope: ReplyEnvelope) => flow.message(json, envelope),
      drained() {},
      failed: (error) => this.#call?.abort(error),
      pause: () => this.#call?.pause(),
      resume: () => this.#call?.resume(),
    })
  }

  reading(call: HttpCall): void {
    this.#call = call
  }

  /** Settles only when the sink fails or the source is closed. */
  async pump(sink: MessageSink): Promise<void> {
    const reply = await this.#flow.reply
    if (reply.kind === 'stream') await reply.pipe(sink)
  }

  close(): void {
    this.feed.close()
    this.#flow.accepted()
    this.#flow.fail(undefined)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
