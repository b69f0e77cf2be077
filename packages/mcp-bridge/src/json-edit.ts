import { replaceSpan, type Span } from '@mcp-platform/mcp-upstream'

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Writes members (`"a":1,"b":2`) right after the opening brace of the object at `object`. */
export function insertMembers(body: Buffer, object: Span, members: string): Buffer {
  const next = skipSpace(body, object.start + 1)
  const text = body[next] === CLOSE_BRACE ? members : `${members},`
  return replaceSpan(body, { start: object.start + 1, end: object.start + 1 }, Buffer.from(text))
}

/**
 * Takes members out of an object, given the spans of their values; each goes with its key and one comma.
 * The keys must be written without escapes (the scanner finds them by their plain names).
 */
export function removeMembers(body: Buffer, values: readonly (Span | undefined)[]): Buffer {
  const known = values.filter((span) => span !== undefined).toSorted((a, b) => b.start - a.start)
  return known.reduce((rest, value) => removeMember(rest, value), body)
}

/** True when the member whose value is at `value` is all that the object at `object` holds. */
export function isOnlyMember(body: Buffer, object: Span, value: Span): boolean {
  const isFirst = skipSpaceBack(body, keyStart(body, value.start) - 1) === object.start
  return isFirst && body[skipSpace(body, value.end)] === CLOSE_BRACE
}

function removeMember(body: Buffer, value: Span): Buffer {
  const key = keyStart(body, value.start)
  const before = skipSpaceBack(body, key - 1)
  if (body[before] === COMMA) return cut(body, before, value.end)
  const after = skipSpace(body, value.end)
  return cut(body, key, body[after] === COMMA ? after + 1 : value.end)
}

// Backwards over `"key" :` to the key's opening quote.
function keyStart(body: Buffer, valueStart: number): number {
  const colon = skipSpaceBack(body, valueStart - 1)
  const closing = skipSpaceBack(body, colon - 1)
  return body.lastIndexOf(QUOTE, closing - 1)
}

function cut(body: Buffer, start: number, end: number): Buffer {
  return replaceSpan(body, { start, end }, Buffer.alloc(0))
}

function skipSpace(body: Buffer, at: number): number {
  let next = at
  while (next < body.length && (body[next] ?? 0) <= 0x20) next++
  return next
}

function skipSpaceBack(body: Buffer, at: number): number {
  let next = at
  while (next > 0 && (body[next] ?? 0) <= 0x20) next--
  return next
}

/** True when the value at `span` is an object. */
export function isObject(body: Buffer, span: Span | undefined): span is Span {
  return span !== undefined && body[span.start] === OPEN_BRACE
}

/** Parses the value at `span` if it is an object. */
export function objectAt(body: Buffer, span: Span | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(body, span)) return undefined
  return asObject(JSON.parse(body.toString('utf8', span.start, span.end)))
}

/** The value as an object; undefined for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return value as Readonly<Record<string, unknown>>
}
