import type { AuditEvent } from './event.js'
import type { AuditRecord } from './record.js'

/** One event or record as one line of JSON. */
export function toLine(event: AuditEvent | AuditRecord): string {
  return `${JSON.stringify(event)}\n`
}

/** Reads a line of {@link toLine}. @throws SyntaxError when it is none */
export function parseEvent(line: string): AuditEvent {
  return parseLine(line, ['id', 'actor', 'action', 'outcome'])
}

/** Reads a line of {@link toLine}. @throws SyntaxError when it is none */
export function parseRecord(line: string): AuditRecord {
  return parseLine(line, ['id', 'actor', 'action', 'outcome', 'node', 'keyId', 'mac'])
}

function parseLine<T extends AuditEvent>(line: string, texts: readonly (keyof T & string)[]): T {
  const value = JSON.parse(line)
  const at = new Date(value?.at)
  if (Number.isNaN(at.getTime()) || texts.some((name) => typeof value[name] !== 'string')) {
    throw new SyntaxError('this is no audit record')
  }
  return { ...value, at }
}
