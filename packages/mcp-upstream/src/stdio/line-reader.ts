/** How much of an oversize line is shown to find out which request it answers. */
export const OVERSIZE_HEAD_BYTES = 4_096

/** Where {@link LineReader} hands its lines. */
export interface LineHandler {
  /** One line without its line end. Never empty. The bytes are the handler's to keep. */
  line(bytes: Buffer): void
  /** A line grew over the bound: its first bytes. The rest, up to its newline, is thrown away. */
  oversize(head: Buffer): void
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Cuts a byte stream into lines. Works on bytes, so a character that is torn between two chunks arrives whole.
 * Holds at most `maxLineBytes` of an unfinished line.
 */
export class LineReader {
  readonly #maxLineBytes: number
  readonly #handler: LineHandler
  #parts: Buffer[] = []
  #heldBytes = 0
  #discarding = false

  constructor(maxLineBytes: number, handler: LineHandler) {
    this.#maxLineBytes = maxLineBytes
    this.#handler = handler
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end))
      this.#finishLine()
      start = end + 1
    }
    this.#hold(chunk.subarray(start))
  }

  /** The stream ended: what is held is the last line. */
  end(): void {
    this.#finishLine()
  }

  #hold(part: Buffer): void {
    if (this.#discarding || part.length === 0) return
    this.#parts.push(part)
    this.#heldBytes += part.length
    if (this.#heldBytes > this.#maxLineBytes) this.#giveUpLine()
  }

  #giveUpLine(): void {
    const head = Buffer.from(this.#joined().subarray(0, OVERSIZE_HEAD_BYTES))
    this.#discarding = true
    this.#drop()
    this.#handler.oversize(head)
  }

  #finishLine(): void {
    if (this.#discarding) {
      this.#discarding = false
      return
    }
    const line = withoutCarriageReturn(this.#joined())
    this.#drop()
    if (line.length > 0) this.#handler.line(line)
  }

  #joined(): Buffer {
    const [only] = this.#parts
    return this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts, this.#heldBytes)
  }

  #drop(): void {
    this.#parts = []
    this.#heldBytes = 0
  }
}

function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}
