import { CR, LF } from '../scan/bytes.js'

/** What {@link formatSseEvent} writes. */
export interface SseEventInit {
  readonly id?: string | undefined
  /** Absent: `message`. */
  readonly event?: string | undefined
  /** UTF-8. Empty with an `id` is a priming event. */
  readonly data: Buffer | string
  /** When a client should come back, in milliseconds. */
  readonly retry?: number | undefined
}

const DATA = Buffer.from('data: ')
const END = Buffer.from('\n\n')
const NEWLINE = Buffer.from('\n')

/**
 * One event as bytes for the wire. Line breaks inside the data, which JSON allows as white space, become data lines.
 * @throws TypeError when `id` or `event` contain a line break, or `id` a NUL.
 */
export function formatSseEvent(init: SseEventInit): Buffer {
  const head = Buffer.from(fieldsOf(init))
  const data = typeof init.data === 'string' ? Buffer.from(init.data) : init.data
  if (!data.includes(LF) && !data.includes(CR)) return Buffer.concat([head, DATA, data, END])
  const lines = data.toString('utf8').split(/\r\n|\r|\n/)
  return Buffer.concat([head, ...lines.flatMap((line) => [DATA, Buffer.from(line), NEWLINE]), NEWLINE])
}

/** A comment that keeps a quiet stream open. */
export const SSE_KEEP_ALIVE: Buffer = Buffer.from(': keep-alive\n\n')

function fieldsOf(init: SseEventInit): string {
  const event = init.event === undefined ? '' : `event: ${oneLine(init.event)}\n`
  const id = init.id === undefined ? '' : `id: ${oneLine(init.id)}\n`
  const retry = init.retry === undefined ? '' : `retry: ${Math.trunc(init.retry)}\n`
  return event + id + retry
}

function oneLine(value: string): string {
  if (value.includes('\n') || value.includes('\r') || value.includes('\0')) {
    throw new TypeError('sse: a field must be one line')
  }
  return value
}
