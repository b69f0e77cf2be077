import type { AuditDetail, AuditDetails } from '@mcp-platform/auth'
import { isObject } from '../json-object.js'

/** What is kept of the arguments of one call, in bytes of JSON. */
const MAX_BYTES = 16 * 1024
const MAX_DEPTH = 8
const HIDDEN = '***'
// Names under which people put secrets, in any spelling: apiKey, api_key, X-Api-Key.
const SECRET =
  /passw|passphrase|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key/i

/**
 * What a call was called with, for the audit trail: secrets are hidden by their names. What is too large is not cut in the
 * middle but left out, and its size said.
 */
export function auditedArguments(params: string): AuditDetails {
  const bytes = Buffer.byteLength(params)
  if (bytes > MAX_BYTES) return { arguments: null, arguments_bytes: bytes }
  // Cannot fail: the scanner has walked every byte of the message.
  const parsed: unknown = JSON.parse(params)
  if (!isObject(parsed)) return { arguments: null }
  const { _meta, name, ...rest } = parsed
  return { arguments: hidden(Object.hasOwn(rest, 'arguments') ? rest['arguments'] : rest, 0) }
}

function hidden(value: unknown, depth: number): AuditDetail {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value === null) return null
  if (depth >= MAX_DEPTH) return HIDDEN
  if (Array.isArray(value)) return value.map((item) => hidden(item, depth + 1))
  if (!isObject(value)) return null
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, SECRET.test(name) ? HIDDEN : hidden(member, depth + 1)]),
  )
}
