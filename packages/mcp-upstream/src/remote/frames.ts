import type { Duplex } from 'node:stream'

/** Bytes before the head: length of what follows, length of the head. */
const PREFIX_BYTES = 8

/**
 * Writes frames onto a stream: two lengths, a JSON head, raw bytes. What is written in one turn of the event loop goes
 * out in one system call.
 */
export class FrameWriter {
  readonly #stream: Duplex
  #corked = false

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  /** Nothing happens on a stream that has ended: whoever waits for an answer is told by its end. */
  write(head: object, body?: Buffer): void {
    if (!this.#stream.writable) return
    this.#cork()
    const json = Buffer.from(JSON.stringify(head))
    const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
    prefix.writeUInt32LE(4 + json.length + (body?.length ?? 0), 0)
    prefix.writeUInt32LE(json.length, 4)
    this.#stream.write(Buffer.concat([prefix, json]))
    if (body !== undefined && body.length > 0) this.#stream.write(body)
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#stream.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#stream.uncork()
    })
  }
}

/** Takes the head, still to be parsed, and the bytes of each frame. */
export type OnFrame = (head: unknown, body: Buffer) => void

/** Cuts a stream of bytes into frames. Bodies are copies of nothing: they share the memory of what was read. */
export class FrameReader {
  readonly #onFrame: OnFrame
  #chunks: Buffer[] = []
  #size = 0
  #wanted = 4

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    // A frame of megabytes comes in many chunks: they are joined once, when all are there.
    if (this.#size >= this.#wanted) this.#take(this.#joined())
  }

  #joined(): Buffer {
    const [only] = this.#chunks
    return this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#size)
  }

  #take(bytes: Buffer): void {
    let at = 0
    let wanted = 4
    while (bytes.length - at >= 4) {
      wanted = 4 + bytes.readUInt32LE(at)
      if (bytes.length - at < wanted) break
      this.#emit(bytes.subarray(at + 4, at + wanted))
      at += wanted
      wanted = 4
    }
    const left = bytes.subarray(at)
    this.#chunks = left.length === 0 ? [] : [left]
    this.#size = left.length
    this.#wanted = wanted
  }

  #emit(frame: Buffer): void {
    const end = 4 + frame.readUInt32LE(0)
    this.#onFrame(JSON.parse(frame.toString('utf8', 4, end)), frame.subarray(end))
  }
}
