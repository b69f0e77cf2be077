import type { IncomingHttpHeaders } from 'node:http'
import type { Envelope } from '../envelope.js'

/** Set by us or by HTTP itself: an instance's own headers must not touch them. */
const RESERVED: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
])

/** What a caller's header must be called to pass; everything else stays here (SECURITY.md, Traffic). */
const TRACING: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The headers that every request of an instance carries, names and values in turn.
 * @throws TypeError if one of `own` is no header or is reserved.
 */
export function baseHeaders(own: Readonly<Record<string, string>>, userAgent: string): readonly string[] {
  const headers = new Map([['user-agent', userAgent]])
  for (const [name, value] of Object.entries(own)) {
    const lower = name.toLowerCase()
    // The value is a secret: it is not named.
    if (!FIELD_NAME.test(lower) || !FIELD_VALUE.test(value))
      throw new TypeError(`upstream: header ${name} is malformed`)
    if (RESERVED.has(lower)) throw new TypeError(`upstream: header ${name} is reserved`)
    headers.set(lower, value)
  }
  return ['accept-encoding', 'identity', ...[...headers].flat()]
}

/** Adds the caller's headers that may pass. */
export function addCallerHeaders(target: string[], headers: Readonly<Record<string, string>> | undefined): void {
  if (headers === undefined) return
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && mayPass(name) && FIELD_VALUE.test(value)) target.push(name, value)
  }
}

function mayPass(name: string): boolean {
  return TRACING.has(name) || (name.startsWith('mcp-param-') && FIELD_NAME.test(name))
}

/** Mirrors of the body (2026-07-28, streamable-http), always taken from the scanned envelope and never from the caller. */
export function addMirrorHeaders(target: string[], envelope: Envelope): void {
  if (envelope.method === undefined) return
  target.push('mcp-method', headerValue(envelope.method))
  const name = mirroredName(envelope)
  if (name !== undefined) target.push('mcp-name', headerValue(name))
}

function mirroredName(envelope: Envelope): string | undefined {
  switch (envelope.method) {
    case 'tools/call':
    case 'prompts/get':
      return envelope.name
    case 'resources/read':
      return envelope.uri
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return envelope.taskId
    default:
      return undefined
  }
}

const SENTINEL = /^=\?base64\?.*\?=$/

/** A value as a header: itself when it is plain ASCII without edge spaces, else `=?base64?…?=`. */
export function headerValue(value: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !SENTINEL.test(value)) return value
  return `=?base64?${Buffer.from(value).toString('base64')}?=`
}

/** The media type without parameters, lower case. */
export function mediaType(headers: IncomingHttpHeaders): string {
  const value = one(headers['content-type']) ?? ''
  if (value === 'application/json') return value
  return (value.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** True when the body is compressed although we asked for identity. */
export function isEncoded(headers: IncomingHttpHeaders): boolean {
  const value = one(headers['content-encoding'])
  return value !== undefined && value !== '' && value.toLowerCase() !== 'identity'
}

/** `Retry-After` in milliseconds from `now` (milliseconds since the epoch): seconds, or a date. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const value = one(headers['retry-after'])?.trim()
  if (value === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(value)) return Number(value) * 1_000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** The length that the head announces. */
export function contentLength(headers: IncomingHttpHeaders): number | undefined {
  const value = one(headers['content-length'])
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined
}

/** The session id that the server minted: visible ASCII, or it could not be sent back. */
export function sessionIdOf(headers: IncomingHttpHeaders): string | undefined {
  const value = one(headers['mcp-session-id'])
  return value !== undefined && /^[\x21-\x7e]{1,4096}$/.test(value) ? value : undefined
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
