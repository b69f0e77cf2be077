import type { ReplyEnvelope, Span } from '../envelope.js'
import { UpstreamAnswerTooLargeError } from '../errors.js'
import { ReplyScanner, scanReply } from '../scan/scan-reply.js'

/** Up to here a body is scanned once it is whole, which is cheaper; beyond, chunk by chunk as it arrives. */
const WHOLE_BYTES = 64 * 1024

/** A JSON answer in chunks: capped, and scanned while it arrives when it is large. */
export class JsonBody {
  readonly #maxBytes: number
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #scanner: ReplyScanner | undefined

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @throws UpstreamAnswerTooLargeError over the cap; EnvelopeError when a large body turns out to be no JSON. */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) throw new UpstreamAnswerTooLargeError({ maxBytes: this.#maxBytes })
    this.#chunks.push(chunk)
    if (this.#scanner !== undefined) this.#scanner.push(chunk)
    else if (this.#bytes > WHOLE_BYTES) this.#startScanner()
  }

  get first(): Buffer | undefined {
    return this.#chunks[0]
  }

  /** The whole body as one buffer. */
  whole(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#bytes)
  }

  /** @throws EnvelopeError when it is no JSON-RPC message. */
  envelope(): ReplyEnvelope {
    return this.#scanner === undefined ? scanReply(this.whole()) : this.#scanner.end()
  }

  /** Whether a span is exactly these bytes. */
  holds(span: Span, bytes: Uint8Array): boolean {
    if (span.end - span.start !== bytes.length) return false
    return this.whole().compare(bytes, 0, bytes.length, span.start, span.end) === 0
  }

  /** The raw bytes of a span. */
  slice(span: Span): Buffer {
    return this.whole().subarray(span.start, span.end)
  }

  /** The body with one span replaced, copied once. */
  spliced(span: Span, bytes: Uint8Array): Buffer {
    const result = Buffer.allocUnsafe(this.#bytes - (span.end - span.start) + bytes.length)
    let offset = 0
    for (const chunk of this.#chunks) {
      copyPart(chunk, offset, 0, span.start, result, 0)
      copyPart(chunk, offset, span.end, this.#bytes, result, bytes.length - (span.end - span.start))
      offset += chunk.length
    }
    result.set(bytes, span.start)
    return result
  }

  #startScanner(): void {
    this.#scanner = new ReplyScanner()
    for (const chunk of this.#chunks) this.#scanner.push(chunk)
  }
}

/** Copies what of `chunk`, which begins at `offset` of the text, lies in `[from, to)`, moved by `shift`. */
function copyPart(chunk: Buffer, offset: number, from: number, to: number, target: Buffer, shift: number): void {
  const start = Math.max(from, offset)
  const end = Math.min(to, offset + chunk.length)
  if (start < end) chunk.copy(target, start + shift, start - offset, end - offset)
}
