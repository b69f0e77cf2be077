const SENTINEL = /^=\?base64\?(.*)\?=$/
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/**
 * Writes text as an MCP header value: as it is when it is plain ASCII without edge spaces and does not look like the
 * sentinel, else `=?base64?…?=` (SPEC 2026-07-28 streamable-http, Request Metadata). Never a line break.
 */
export function encodeHeaderValue(text: string): string {
  if (text === '' || (PLAIN.test(text) && !text.startsWith('=?base64?'))) return text
  return `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** The text behind a header value; undefined for a sentinel around something that is not valid base64 of UTF-8. */
export function decodeHeaderValue(value: string): string | undefined {
  const encoded = SENTINEL.exec(value)?.[1]
  // Prefix or suffix alone is plain text.
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  const text = bytes.toString('utf8')
  return bytes.toString('base64') === encoded && Buffer.from(text).equals(bytes) ? text : undefined
}
