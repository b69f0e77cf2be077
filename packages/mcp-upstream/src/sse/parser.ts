import { UpstreamAnswerTooLargeError } from '../errors.js'
import { COLON, CR, LF, SPACE } from '../scan/bytes.js'

/** One event of a stream, as bytes: the data is JSON that gets scanned, never a string that gets decoded for it. */
export interface SseEvent {
  /** The event's own `id:` field. */
  readonly id: string | undefined
  /** `event:`; absent means `message`. */
  readonly event: string | undefined
  /** The data lines joined by LF; empty for a priming event. May be a view of a pushed chunk. */
  readonly data: Buffer
}

export interface SseParserOptions {
  onEvent(event: SseEvent): void
  /** `retry:`, in milliseconds. */
  onRetry?: ((ms: number) => void) | undefined
  /** Largest event, and largest line, in bytes. */
  readonly maxEventBytes: number
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf])
const NEWLINE = Buffer.from([LF])
const NOTHING = Buffer.alloc(0)

/**
 * Parses an event stream (HTML standard, 9.2.6) from chunks of bytes, split anywhere.
 * Works on bytes because a string parser costs two conversions of every message (measured: README, Numbers).
 * @throws UpstreamAnswerTooLargeError from `push` once an event or a line exceeds the cap.
 */
export class SseParser {
  readonly #options: SseParserOptions
  #atStart = true
  #skipLf = false
  #partial: Buffer[] = []
  #partialBytes = 0
  #id: string | undefined
  #event: string | undefined
  #data: Buffer[] = []
  #dataBytes = 0

  constructor(options: SseParserOptions) {
    this.#options = options
  }

  /** Takes the next bytes; they must not change afterwards. */
  push(chunk: Buffer): void {
    let bytes = this.#atStart ? this.#withoutBom(chunk) : chunk
    if (this.#skipLf && bytes.length > 0) {
      this.#skipLf = false
      if (bytes[0] === LF) bytes = bytes.subarray(1)
    }
    this.#lines(bytes)
  }

  #withoutBom(chunk: Buffer): Buffer {
    const bytes = this.#partial.length === 0 ? chunk : Buffer.concat([...this.#partial, chunk])
    this.#dropPartial()
    if (bytes.length < BOM.length && BOM.subarray(0, bytes.length).equals(bytes)) {
      this.#keepPartial(bytes)
      return NOTHING
    }
    this.#atStart = false
    return bytes.subarray(0, BOM.length).equals(BOM) ? bytes.subarray(BOM.length) : bytes
  }

  #lines(bytes: Buffer): void {
    let start = 0
    let lf = bytes.indexOf(LF)
    let cr = bytes.indexOf(CR)
    while (lf !== -1 || cr !== -1) {
      const end = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf
      this.#line(bytes, start, end)
      start = end === cr && lf === cr + 1 ? end + 2 : end + 1
      if (end === cr && start === bytes.length && lf === -1) this.#skipLf = true
      if (lf !== -1 && lf < start) lf = bytes.indexOf(LF, start)
      if (cr !== -1 && cr < start) cr = bytes.indexOf(CR, start)
    }
    if (start < bytes.length) this.#keepPartial(bytes.subarray(start))
  }

  #keepPartial(bytes: Buffer): void {
    this.#partial.push(bytes)
    this.#partialBytes += bytes.length
    this.#check(this.#partialBytes)
  }

  #dropPartial(): void {
    if (this.#partial.length === 0) return
    this.#partial = []
    this.#partialBytes = 0
  }

  #line(bytes: Buffer, start: number, end: number): void {
    if (this.#partial.length === 0) {
      this.#field(bytes, start, end)
      return
    }
    const whole = Buffer.concat([...this.#partial, bytes.subarray(start, end)])
    this.#dropPartial()
    this.#field(whole, 0, whole.length)
  }

  #field(bytes: Buffer, start: number, end: number): void {
    if (start === end) {
      this.#dispatch()
      return
    }
    const first = bytes[start]
    if (first === COLON) return
    const colon = colonIn(bytes, start, end)
    const nameEnd = colon === -1 ? end : colon
    const valueStart = colon === -1 ? end : bytes[colon + 1] === SPACE && colon + 1 < end ? colon + 2 : colon + 1
    if (nameEnd - start > 5) return
    this.#assign(bytes.toString('latin1', start, nameEnd), bytes.subarray(valueStart, end))
  }

  #assign(name: string, value: Buffer): void {
    switch (name) {
      case 'data':
        this.#addData(value)
        return
      case 'event':
        this.#event = value.length === 0 ? undefined : value.toString()
        return
      case 'id':
        if (!value.includes(0)) this.#id = value.toString()
        return
      case 'retry':
        this.#retry(value.toString('latin1'))
        return
    }
  }

  #addData(value: Buffer): void {
    if (this.#data.length > 0) this.#data.push(NEWLINE)
    this.#data.push(value)
    this.#dataBytes += value.length + 1
    this.#check(this.#dataBytes)
  }

  #retry(value: string): void {
    if (/^[0-9]{1,9}$/.test(value)) this.#options.onRetry?.(Number(value))
  }

  #dispatch(): void {
    const data = this.#data
    const event = {
      id: this.#id,
      event: this.#event,
      data: data.length === 1 ? (data[0] as Buffer) : Buffer.concat(data),
    }
    this.#id = undefined
    this.#event = undefined
    this.#data = []
    this.#dataBytes = 0
    if (data.length > 0) this.#options.onEvent(event)
  }

  #check(bytes: number): void {
    const maxBytes = this.#options.maxEventBytes
    // A newline after the data is counted in, and a line may carry `data: ` in front.
    if (bytes > maxBytes + 8) throw new UpstreamAnswerTooLargeError({ maxBytes })
  }
}

/** Field names are at most five bytes long, so a colon further on does not matter. */
function colonIn(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + 6)
  for (let at = start; at < stop; at++) {
    if (bytes[at] === COLON) return at
  }
  return -1
}
