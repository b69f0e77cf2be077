// RFC 8259 section 6 as a table: state x byte -> next state, 0 = the number ends before this byte.
const MINUS = 1
const ZERO = 2
const INTEGER = 3
const POINT = 4
const FRACTION = 5
const EXPONENT = 6
const EXPONENT_SIGN = 7
const EXPONENT_DIGITS = 8

const DIGITS = '0123456789'
const TRANSITIONS: readonly (readonly [from: number, bytes: string, to: number])[] = [
  [0, '-', MINUS],
  [0, '0', ZERO],
  [0, '123456789', INTEGER],
  [MINUS, '0', ZERO],
  [MINUS, '123456789', INTEGER],
  [ZERO, '.', POINT],
  [ZERO, 'eE', EXPONENT],
  [INTEGER, DIGITS, INTEGER],
  [INTEGER, '.', POINT],
  [INTEGER, 'eE', EXPONENT],
  [POINT, DIGITS, FRACTION],
  [FRACTION, DIGITS, FRACTION],
  [FRACTION, 'eE', EXPONENT],
  [EXPONENT, '+-', EXPONENT_SIGN],
  [EXPONENT, DIGITS, EXPONENT_DIGITS],
  [EXPONENT_SIGN, DIGITS, EXPONENT_DIGITS],
  [EXPONENT_DIGITS, DIGITS, EXPONENT_DIGITS],
]

/** Index with `(state << 8) | byte`, starting in state 0. */
export const NUMBER_NEXT: Uint8Array = buildTable()

function buildTable(): Uint8Array {
  const table = new Uint8Array(9 << 8)
  for (const [from, bytes, to] of TRANSITIONS) {
    for (const char of bytes) table[(from << 8) | char.charCodeAt(0)] = to
  }
  return table
}

/** A number may end in this state. */
export function isWholeNumber(state: number): boolean {
  return state === ZERO || state === INTEGER || state === FRACTION || state === EXPONENT_DIGITS
}

/** It has neither fraction nor exponent. */
export function isInteger(state: number): boolean {
  return state === ZERO || state === INTEGER
}
