import { asObject } from './json-edit.js'

/** RFC 5424 levels as MCP names them, least important first. */
const LEVELS: readonly unknown[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/**
 * Whether a caller wants this log notification. A 2026 client that names no level wants none; a level that nobody
 * knows is passed on.
 */
export function wantsLog(json: Buffer, wanted: string | undefined): boolean {
  if (wanted === undefined) return false
  const message = asObject(JSON.parse(json.toString()))
  return rank(asObject(message?.['params'])?.['level']) >= rank(wanted)
}

function rank(level: unknown): number {
  const at = LEVELS.indexOf(level)
  return at === -1 ? LEVELS.length : at
}
