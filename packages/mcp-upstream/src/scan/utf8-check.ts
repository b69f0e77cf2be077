import { isUtf8 } from 'node:buffer'
import { EnvelopeError } from '../errors.js'

const NOTHING = Buffer.alloc(0)

/** Checks UTF-8 over chunks that may split a character. */
export class Utf8Check {
  #carry: Buffer = NOTHING

  /** @throws EnvelopeError `ENVELOPE_PARSE` when the bytes so far cannot be UTF-8. */
  push(chunk: Buffer): void {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    const whole = bytes.length - unfinishedTail(bytes)
    if (!isUtf8(bytes.subarray(0, whole))) throw new EnvelopeError('ENVELOPE_PARSE', 'not UTF-8', 0)
    this.#carry = whole === bytes.length ? NOTHING : Buffer.from(bytes.subarray(whole))
  }

  /** @throws EnvelopeError `ENVELOPE_PARSE` when the last character is not whole. */
  end(): void {
    if (this.#carry.length > 0) throw new EnvelopeError('ENVELOPE_PARSE', 'not UTF-8', 0)
  }
}

/** How many bytes at the end begin a character that is not complete yet: 0 to 3. */
function unfinishedTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0
  }
  return 0
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}
