import { EnvelopeError } from '../errors.js'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  HEX_DIGIT,
  JSON_SPACE,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLAIN_IN_STRING,
  QUOTE,
  SHORT_ESCAPE,
} from './bytes.js'
import { CASE_VARIANT, decodeString, type Field, type FieldTable } from './field-table.js'
import { isInteger, isWholeNumber, NUMBER_NEXT } from './number-grammar.js'

/** What kind of value a member has. */
export const KIND = {
  absent: 0,
  object: 1,
  array: 2,
  string: 3,
  integer: 4,
  number: 5,
  literal: 6,
  nothing: 7,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

// What may come next between tokens.
const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const AFTER_KEY = 4
const AFTER_VALUE = 5
const NOTHING = 6

// The token that the last byte was in.
const BETWEEN = 0
const STRING = 1
const ESCAPE = 2
const UNICODE = 3
const NUMBER = 4
const LITERAL = 5

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')

/** No level, no slot. */
const NONE = 255

/**
 * Walks one JSON text byte by byte, checks its grammar (RFC 8259) and notes where the members of some objects lie.
 * Resumable: a text may come in any number of chunks, and the state is a few numbers. It builds no values.
 * Level 0 is the root object; a field with `opens` leads to another level. A member of a level that comes twice
 * (after unescaping) or as a case variant is refused. Positions count from the first byte of the text.
 */
export class JsonWalker {
  readonly #levels: readonly FieldTable[]
  readonly #maxDepth: number
  /** Per open container: its kind, level and the slot it fills in its parent. */
  readonly #kinds: Uint8Array
  readonly #levelOf: Uint8Array
  readonly #slotOf: Uint8Array
  readonly #found: { readonly kind: Uint8Array; readonly start: number[]; readonly end: number[] }
  readonly #texts: (string | undefined)[]
  #elements: number[] = []

  #base = 0
  #depth = 0
  #container: number = KIND.absent
  #level = NONE
  #slot = NONE
  #opens = 0
  #wantsText = false
  #expect = VALUE
  #token = BETWEEN

  #isKey = false
  #escaped = false
  #capturing = false
  #captureStart = 0
  #captured: Buffer[] = []
  #hexLeft = 0
  #numberState = 0
  #literal: Buffer = TRUE
  #literalAt = 0

  constructor(levels: readonly FieldTable[], slots: number, maxDepth: number) {
    this.#levels = levels
    this.#maxDepth = maxDepth
    this.#kinds = new Uint8Array(maxDepth + 1)
    this.#levelOf = new Uint8Array(maxDepth + 1)
    this.#slotOf = new Uint8Array(maxDepth + 1)
    this.#found = { kind: new Uint8Array(slots), start: new Array(slots).fill(0), end: new Array(slots).fill(0) }
    this.#texts = new Array(slots).fill(undefined)
  }

  /** Makes it ready for another text. */
  reset(): void {
    this.#found.kind.fill(KIND.absent)
    this.#texts.fill(undefined)
    if (this.#elements.length > 0) this.#elements = []
    if (this.#captured.length > 0) this.#captured = []
    this.#base = 0
    this.#depth = 0
    this.#container = KIND.absent
    this.#level = NONE
    this.#slot = NONE
    this.#opens = 0
    this.#wantsText = false
    this.#expect = VALUE
    this.#token = BETWEEN
    this.#capturing = false
  }

  /** Takes the next bytes. @throws EnvelopeError at the first byte that cannot be right. */
  push(chunk: Buffer): void {
    const end = chunk.length
    let at = 0
    while (at < end) at = this.#advance(chunk, at)
    if (this.#capturing) this.#keepCaptured(chunk)
    this.#base += end
  }

  /** The text is over. @throws EnvelopeError if it is not whole. */
  end(): void {
    if (this.#token === NUMBER && this.#depth === 0) this.#endNumber(0)
    if (this.#expect !== NOTHING || this.#token !== BETWEEN) this.#fail('unexpected end', 0)
  }

  kind(slot: number): Kind {
    return this.#found.kind[slot] as Kind
  }

  start(slot: number): number {
    return this.#found.start[slot] as number
  }

  endOf(slot: number): number {
    return this.#found.end[slot] as number
  }

  text(slot: number): string | undefined {
    return this.#texts[slot]
  }

  /** If the root is an array: start and end of its elements, alternating. */
  get elements(): readonly number[] {
    return this.#elements
  }

  #advance(chunk: Buffer, at: number): number {
    switch (this.#token) {
      case BETWEEN:
        return this.#between(chunk, at)
      case STRING:
        return this.#string(chunk, at)
      case ESCAPE:
        return this.#escape(chunk, at)
      case UNICODE:
        return this.#unicode(chunk, at)
      case NUMBER:
        return this.#number(chunk, at)
      default:
        return this.#restOfLiteral(chunk, at)
    }
  }

  #between(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    if (JSON_SPACE[byte] === 1) return at + 1
    switch (this.#expect) {
      case VALUE:
        return this.#startValue(byte, at)
      case VALUE_OR_END:
        return byte === CLOSE_BRACKET ? this.#close(at) : this.#startValue(byte, at)
      case KEY:
        return this.#startKey(byte, at)
      case KEY_OR_END:
        return byte === CLOSE_BRACE ? this.#close(at) : this.#startKey(byte, at)
      case AFTER_KEY:
        if (byte !== COLON) return this.#fail('expected a colon', at)
        this.#expect = VALUE
        return at + 1
      case AFTER_VALUE:
        return this.#afterValue(byte, at)
      default:
        return this.#fail('unexpected byte after the end', at)
    }
  }

  #afterValue(byte: number, at: number): number {
    const inObject = this.#container === KIND.object
    if (byte === COMMA) {
      this.#expect = inObject ? KEY : VALUE
      return at + 1
    }
    if (byte !== (inObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#fail('expected a comma or the end', at)
    return this.#close(at)
  }

  #startKey(byte: number, at: number): number {
    if (byte !== QUOTE) return this.#fail('expected a member name', at)
    this.#isKey = true
    return this.#startString(at, this.#level !== NONE)
  }

  #startString(at: number, capture: boolean): number {
    this.#token = STRING
    this.#escaped = false
    this.#capturing = capture
    this.#captureStart = at + 1
    return at + 1
  }

  #startValue(byte: number, at: number): number {
    switch (byte) {
      case QUOTE:
        this.#note(KIND.string, at)
        this.#isKey = false
        return this.#startString(at, this.#wantsText)
      case OPEN_BRACE:
        return this.#open(KIND.object, at)
      case OPEN_BRACKET:
        return this.#open(KIND.array, at)
      case 0x74:
        return this.#startLiteral(TRUE, KIND.literal, at)
      case 0x66:
        return this.#startLiteral(FALSE, KIND.literal, at)
      case 0x6e:
        return this.#startLiteral(NULL, KIND.nothing, at)
      default:
        return this.#startNumber(byte, at)
    }
  }

  #note(kind: Kind, at: number): void {
    if (this.#slot !== NONE) {
      this.#found.kind[this.#slot] = kind
      this.#found.start[this.#slot] = this.#base + at
    } else if (this.#depth === 1 && this.#container === KIND.array) {
      this.#elements.push(this.#base + at)
    }
  }

  #open(kind: 1 | 2, at: number): number {
    if (this.#depth === this.#maxDepth) this.#fail('nested too deep', at, 'ENVELOPE_TOO_DEEP')
    this.#note(kind, at)
    this.#kinds[this.#depth] = this.#container
    this.#levelOf[this.#depth] = this.#level
    this.#slotOf[this.#depth] = this.#slot
    this.#depth += 1
    this.#container = kind
    this.#level = kind === KIND.object ? this.#opens : NONE
    this.#forgetMember()
    this.#expect = kind === KIND.object ? KEY_OR_END : VALUE_OR_END
    return at + 1
  }

  #close(at: number): number {
    this.#depth -= 1
    this.#container = this.#kinds[this.#depth] as number
    this.#level = this.#levelOf[this.#depth] as number
    this.#slot = this.#slotOf[this.#depth] as number
    return this.#endValue(at + 1)
  }

  #endValue(end: number): number {
    if (this.#slot !== NONE) this.#found.end[this.#slot] = this.#base + end
    else if (this.#depth === 1 && this.#container === KIND.array) this.#elements.push(this.#base + end)
    this.#forgetMember()
    this.#token = BETWEEN
    this.#expect = this.#depth === 0 ? NOTHING : AFTER_VALUE
    return end
  }

  #forgetMember(): void {
    this.#slot = NONE
    this.#opens = NONE
    this.#wantsText = false
  }

  #string(chunk: Buffer, from: number): number {
    const end = chunk.length
    let at = from
    while (at < end && PLAIN_IN_STRING[chunk[at] as number] === 1) at++
    if (at === end) return end
    const byte = chunk[at] as number
    if (byte === QUOTE) return this.#endString(chunk, at)
    if (byte !== BACKSLASH) return this.#fail('control character in a string', at)
    this.#escaped = true
    this.#token = ESCAPE
    return at + 1
  }

  #escape(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number
    if (SHORT_ESCAPE[byte] === 1) {
      this.#token = STRING
      return at + 1
    }
    if (byte !== 0x75) return this.#fail('bad escape', at)
    this.#token = UNICODE
    this.#hexLeft = 4
    return at + 1
  }

  #unicode(chunk: Buffer, at: number): number {
    if (HEX_DIGIT[chunk[at] as number] !== 1) return this.#fail('bad escape', at)
    this.#hexLeft -= 1
    if (this.#hexLeft === 0) this.#token = STRING
    return at + 1
  }

  #endString(chunk: Buffer, at: number): number {
    if (this.#isKey) return this.#endKey(chunk, at)
    if (this.#capturing) this.#texts[this.#slot] = this.#withCaptured(chunk, at, this.#decoded)
    return this.#endValue(at + 1)
  }

  #endKey(chunk: Buffer, at: number): number {
    this.#token = BETWEEN
    this.#expect = AFTER_KEY
    if (!this.#capturing) return at + 1
    const field = this.#withCaptured(chunk, at, this.#fieldOf)
    if (field === CASE_VARIANT) return this.#fail('case variant of a member name', at, 'ENVELOPE_INVALID')
    if (field !== undefined) this.#startMember(field, at)
    return at + 1
  }

  #startMember(field: Field, at: number): void {
    if (this.#found.kind[field.slot] !== KIND.absent) this.#fail('duplicate member', at, 'ENVELOPE_INVALID')
    this.#slot = field.slot
    this.#opens = field.opens ?? NONE
    this.#wantsText = field.text === true
  }

  readonly #decoded = (bytes: Buffer, start: number, end: number): string =>
    decodeString(bytes, start, end, this.#escaped)

  readonly #fieldOf = (bytes: Buffer, start: number, end: number): ReturnType<FieldTable['find']> =>
    this.#levels[this.#level]?.find(bytes, start, end, this.#escaped)

  #withCaptured<T>(chunk: Buffer, end: number, use: (bytes: Buffer, start: number, end: number) => T): T {
    this.#capturing = false
    if (this.#captured.length === 0) return use(chunk, this.#captureStart, end)
    const whole = Buffer.concat([...this.#captured, chunk.subarray(this.#captureStart, end)])
    this.#captured = []
    return use(whole, 0, whole.length)
  }

  /** A key or text goes on in the next chunk: copied, because the chunk belongs to whoever pushed it. */
  #keepCaptured(chunk: Buffer): void {
    this.#captured.push(Buffer.from(chunk.subarray(this.#captureStart)))
    this.#captureStart = 0
  }

  #startNumber(byte: number, at: number): number {
    const state = NUMBER_NEXT[byte] as number
    if (state === 0) return this.#fail('unexpected byte', at)
    this.#note(KIND.number, at)
    this.#token = NUMBER
    this.#numberState = state
    return at + 1
  }

  #number(chunk: Buffer, from: number): number {
    let state = this.#numberState
    for (let at = from; at < chunk.length; at++) {
      const next = NUMBER_NEXT[(state << 8) | (chunk[at] as number)] as number
      if (next === 0) {
        this.#numberState = state
        return this.#endNumber(at)
      }
      state = next
    }
    this.#numberState = state
    return chunk.length
  }

  #endNumber(at: number): number {
    if (!isWholeNumber(this.#numberState)) return this.#fail('bad number', at)
    if (this.#slot !== NONE && isInteger(this.#numberState)) this.#found.kind[this.#slot] = KIND.integer
    return this.#endValue(at)
  }

  #startLiteral(literal: Buffer, kind: Kind, at: number): number {
    this.#note(kind, at)
    this.#token = LITERAL
    this.#literal = literal
    this.#literalAt = 1
    return at + 1
  }

  #restOfLiteral(chunk: Buffer, at: number): number {
    if (chunk[at] !== this.#literal[this.#literalAt]) return this.#fail('unexpected byte', at)
    this.#literalAt += 1
    return this.#literalAt === this.#literal.length ? this.#endValue(at + 1) : at + 1
  }

  #fail(detail: string, at: number, code: EnvelopeError['code'] = 'ENVELOPE_PARSE'): never {
    throw new EnvelopeError(code, detail, this.#base + at)
  }
}
