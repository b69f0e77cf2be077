/** Bytes that JSON, SSE and line framing are made of. */
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const TAB = 0x09
export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d

/** 1 for every byte that may stand in a JSON string as it is: no quote, no backslash, no control character. */
export const PLAIN_IN_STRING: Uint8Array = tableOf((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH)

/** 1 for the bytes after a backslash that stand for one character: `" \ / b f n r t`. */
export const SHORT_ESCAPE: Uint8Array = tableOf((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)))

/** 1 for hexadecimal digits. */
export const HEX_DIGIT: Uint8Array = tableOf((byte) => /^[0-9a-fA-F]$/.test(String.fromCharCode(byte)))

/** 1 for the four white space bytes of JSON. */
export const JSON_SPACE: Uint8Array = tableOf((byte) => byte === SPACE || byte === LF || byte === CR || byte === TAB)

function tableOf(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0))
}
