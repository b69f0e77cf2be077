/** Text from a child made fit for a log line: control characters escaped, at most `maxBytes` of it. */
export function printable(bytes: Buffer, maxBytes: number): string {
  const text = bytes.subarray(0, maxBytes).toString('utf8')
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
