import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReplyEnvelope } from '../envelope.js'
import { EnvelopeError, UpstreamBadAnswerError } from '../errors.js'
import { OPEN_BRACKET } from '../scan/bytes.js'
import { ReplyScanner, scanReply } from '../scan/scan-reply.js'
import { splitBatch } from '../scan/split-batch.js'

/** Takes what {@link MessageInbox} has scanned, in order. */
export interface InboxOwner {
  message(json: Buffer, envelope: ReplyEnvelope): void
  /** Everything before {@link MessageInbox.end} has been handed over. */
  drained(): void
  failed(error: unknown): void
  pause(): void
  resume(): void
}

/** Larger messages are scanned in slices with a turn of the event loop between them (about 0.3 ms each). */
const SLICE_BYTES = 256 * 1024

/** Scans messages as they arrive, in order, without ever holding up the event loop for long. */
export class MessageInbox {
  readonly #owner: InboxOwner
  readonly #waiting: Buffer[] = []
  #busy = false
  #ended = false
  #over = false

  constructor(owner: InboxOwner) {
    this.#owner = owner
  }

  push(json: Buffer): void {
    this.#waiting.push(json)
    if (this.#busy) this.#owner.pause()
    this.#work()
  }

  /** No more messages; `drained` follows, at once if nothing waits. */
  end(): void {
    this.#ended = true
    this.#work()
  }

  /** Hands over nothing more. */
  close(): void {
    this.#over = true
    this.#waiting.length = 0
  }

  #work(): void {
    if (this.#busy) return
    for (let json = this.#next(); json !== undefined; json = this.#next()) {
      if (json.length > SLICE_BYTES) {
        this.#workOnLarge(json)
        return
      }
      this.#hand(json, () => scanReply(json as Buffer))
    }
    if (!this.#ended || this.#over) return
    this.#over = true
    this.#owner.drained()
  }

  /** The next message; a batch (2025-03-26 and before) counts as its elements. */
  #next(): Buffer | undefined {
    const json = this.#over ? undefined : this.#waiting.shift()
    if (json === undefined || json[0] !== OPEN_BRACKET) return json
    try {
      this.#waiting.unshift(...(splitBatch(json) ?? []))
    } catch (error) {
      this.#fail(error)
    }
    return this.#next()
  }

  #workOnLarge(json: Buffer): void {
    this.#busy = true
    this.#owner.pause()
    scanInSlices(json).then(
      (envelope) => this.#afterLarge(() => this.#hand(json, () => envelope)),
      (error: unknown) => this.#afterLarge(() => this.#fail(error)),
    )
  }

  #afterLarge(hand: () => void): void {
    if (this.#over) return
    hand()
    this.#busy = false
    this.#work()
    // Last, because reading on may call back into us.
    if (!this.#busy) this.#owner.resume()
  }

  #hand(json: Buffer, scan: () => ReplyEnvelope): void {
    let envelope: ReplyEnvelope
    try {
      envelope = scan()
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#owner.message(json, envelope)
  }

  #fail(error: unknown): void {
    this.close()
    this.#owner.failed(badAnswer(error))
  }
}

/** An envelope error in what a server sent is the server's bad answer. */
export function badAnswer(error: unknown, status?: number): unknown {
  if (!(error instanceof EnvelopeError)) return error
  return new UpstreamBadAnswerError({ detail: error.detail, status, cause: error })
}

async function scanInSlices(json: Buffer): Promise<ReplyEnvelope> {
  const scanner = new ReplyScanner()
  for (let at = 0; at < json.length; at += SLICE_BYTES) {
    scanner.push(json.subarray(at, at + SLICE_BYTES))
    await nextTurn()
  }
  return scanner.end()
}
