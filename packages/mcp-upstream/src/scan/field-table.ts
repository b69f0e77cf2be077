/** A member the walker looks for. */
export interface Field {
  readonly name: string
  /** Where its findings are kept; unique over all levels. */
  readonly slot: number
  /** Decode it when it is a string. */
  readonly text?: true | undefined
  /** Index of the level that its object is, if it is one. */
  readonly opens?: number | undefined
}

/** The key is a member's name in other letters. */
export const CASE_VARIANT = 'case variant'

/**
 * Finds a field by the raw bytes of a key. Case variants are told apart from strangers because parsers differ:
 * Go's encoding/json, for one, takes `Name` for `name`, and folds U+017F and U+212A to `s` and `k` as well.
 */
export class FieldTable {
  readonly #fields: readonly Field[]
  readonly #lengths: readonly number[]
  readonly #byFolded: ReadonlyMap<string, Field>

  constructor(fields: readonly Field[]) {
    this.#fields = fields
    this.#lengths = fields.map((field) => field.name.length)
    this.#byFolded = new Map(fields.map((field) => [fold(field.name), field]))
  }

  /** `escaped`: the key contains a backslash, so its bytes are not its name. */
  find(bytes: Buffer, start: number, end: number, escaped: boolean): Field | typeof CASE_VARIANT | undefined {
    if (escaped) return this.#findDecoded(bytes, start, end)
    const length = end - start
    for (let index = 0; index < this.#fields.length; index++) {
      if (this.#lengths[index] !== length) continue
      const field = this.#fields[index] as Field
      const likeness = compare(field.name, bytes, start)
      if (likeness === SAME) return field
      if (likeness === SAME_LETTERS) return CASE_VARIANT
    }
    return isAscii(bytes, start, end) ? undefined : this.#findDecoded(bytes, start, end)
  }

  #findDecoded(bytes: Buffer, start: number, end: number): Field | typeof CASE_VARIANT | undefined {
    const name = decodeString(bytes, start, end, true)
    const field = this.#byFolded.get(fold(name))
    if (field === undefined || field.name === name) return field
    return CASE_VARIANT
  }
}

const DIFFERENT = 0
const SAME_LETTERS = 1
const SAME = 2

function compare(name: string, bytes: Buffer, start: number): number {
  let likeness = SAME
  for (let index = 0; index < name.length; index++) {
    const wanted = name.charCodeAt(index)
    const found = bytes[start + index] as number
    if (found === wanted) continue
    if (lower(found) !== lower(wanted)) return DIFFERENT
    likeness = SAME_LETTERS
  }
  return likeness
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if ((bytes[index] as number) >= 0x80) return false
  }
  return true
}

function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** The value of a JSON string, from the bytes between its quotes. */
export function decodeString(bytes: Buffer, start: number, end: number, escaped: boolean): string {
  if (!escaped) return end - start === 3 && isVersion(bytes, start) ? '2.0' : bytes.toString('utf8', start, end)
  return JSON.parse(`"${bytes.toString('utf8', start, end)}"`) as string
}

/** Every message says "2.0": not worth a call into native code. */
function isVersion(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x32 && bytes[at + 1] === 0x2e && bytes[at + 2] === 0x30
}
