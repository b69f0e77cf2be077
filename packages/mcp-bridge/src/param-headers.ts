import type { ListItem } from './catalogue.js'
import { decodeHeaderValue, encodeHeaderValue } from './header-value.js'
import { asObject } from './json-edit.js'
import { ProtocolError, RPC } from './protocol-error.js'

/** One argument of a tool that is mirrored into a request header (`x-mcp-header`, SPEC 2026-07-28 streamable-http). */
export interface ParamHeader {
  /** Lower case: `mcp-param-region`. */
  readonly header: string
  /** Where the argument is, member by member. */
  readonly path: readonly string[]
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** `number` is left out: two parsers may write the same number differently. */
const MIRRORED_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean'])
const NONE: readonly ParamHeader[] = []
/** Deepest nesting of `properties` that is followed. */
const MAX_DEPTH = 16

const known = new WeakMap<ListItem, readonly ParamHeader[]>()

/**
 * The arguments of a tool that travel in headers too. Empty for a tool whose annotations break a rule (a bad token, a
 * name twice, a type that is not mirrored): nobody can be held to them. Remembered per tool object.
 */
export function paramHeaders(tool: ListItem): readonly ParamHeader[] {
  const remembered = known.get(tool)
  if (remembered) return remembered
  const found = collect(asObject(tool['inputSchema']), [], 0)
  const names = new Set(found?.map(({ header }) => header))
  const fields = found && names.size === found.length ? found : NONE
  known.set(tool, fields)
  return fields
}

// Undefined: some annotation is invalid.
function collect(
  schema: Readonly<Record<string, unknown>> | undefined,
  path: readonly string[],
  depth: number,
): readonly ParamHeader[] | undefined {
  const found: ParamHeader[] = []
  if (depth > MAX_DEPTH) return found
  for (const [name, value] of Object.entries(asObject(schema?.['properties']) ?? {})) {
    const property = asObject(value)
    if (!property) continue
    const below = collect(property, [...path, name], depth + 1)
    const annotation = property['x-mcp-header']
    if (!below || !isValid(annotation, property['type'])) return undefined
    if (typeof annotation === 'string') {
      found.push({ header: `mcp-param-${annotation.toLowerCase()}`, path: [...path, name] })
    }
    found.push(...below)
  }
  return found
}

function isValid(annotation: unknown, type: unknown): boolean {
  if (annotation === undefined) return true
  return typeof annotation === 'string' && TOKEN.test(annotation) && MIRRORED_TYPES.has(type)
}

/** The headers that a call of the tool with these arguments must carry, encoded. Absent and null arguments have none. */
export function mirrorParams(fields: readonly ParamHeader[], args: unknown): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const { header, path } of fields) {
    const text = textAt(args, path)
    if (text !== undefined) headers[header] = encodeHeaderValue(text)
  }
  return headers
}

/**
 * Checks the caller's `Mcp-Param-*` headers against the arguments: what was routed by is what is executed.
 * @throws ProtocolError -32020 with 400 for a header that is missing, malformed, different, or there without its argument
 */
export function checkParams(
  fields: readonly ParamHeader[],
  args: unknown,
  header: (name: string) => string | undefined,
): void {
  for (const { header: name, path } of fields) {
    const value = header(name)
    const decoded = value === undefined ? undefined : decodeHeaderValue(value)
    if (value !== undefined && decoded === undefined) throw mismatch(name, 'is not valid base64 of UTF-8')
    if (decoded === textAt(args, path)) continue
    throw mismatch(name, value === undefined ? 'is missing' : 'differs from the body')
  }
}

function textAt(args: unknown, path: readonly string[]): string | undefined {
  let value = args
  for (const name of path) value = asObject(value)?.[name]
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

function mismatch(name: string, why: string): ProtocolError {
  return new ProtocolError(RPC.headerMismatch, 400, `header ${name} ${why}`)
}
