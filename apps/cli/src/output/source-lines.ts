import type { SyncSource } from '@mcp-platform/contract'
import { printable } from './printable.js'

/** True when something of a source was not taken over. */
export function hasFault({ ok, errors }: SyncSource): boolean {
  return !ok || errors.length > 0
}

/** How the last reading of a source went: a line, and one for each fault. */
export function sourceLines({ source, ok, instances, errors }: SyncSource): string[] {
  const faults = errors.map(({ path, message }) => printable(path === '' ? `  ${message}` : `  ${path}: ${message}`))
  return [`${printable(source)}: ${ok ? `${instances} instances` : 'failed'}`, ...faults]
}
