import type { JsonObject } from './tools.js'

/** The revision of the modern era. */
export const MODERN_VERSION = '2026-07-28'
/** The revisions of the legacy era, newest first. */
export const LEGACY_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']
/** The member of `_meta` that makes a request modern. */
export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion'

/** A JSON-RPC message as far as the fault server looks at it. */
export interface RpcMessage {
  readonly id?: string | number | undefined
  readonly method?: string | undefined
  readonly params: JsonObject
  readonly meta: JsonObject
}

/** Reads one message; undefined if the body is not a JSON object. */
export function parseMessage(body: string): RpcMessage | undefined {
  const parsed = parseJson(body)
  if (!isObject(parsed)) return undefined
  const params = isObject(parsed['params']) ? parsed['params'] : {}
  const { id, method } = parsed
  return {
    ...(typeof id === 'string' || typeof id === 'number' ? { id } : {}),
    ...(typeof method === 'string' ? { method } : {}),
    params,
    meta: isObject(params['_meta']) ? params['_meta'] : {},
  }
}

/** Narrows to a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Callers send malformed bodies on purpose; the answer is a parse error.
  }
}
