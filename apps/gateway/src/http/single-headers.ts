import { GatewayError } from '@mcp-platform/gateway-core'

// Parsers disagree on which of two wins; whoever sends two wants to be read differently by two programs.
const SINGLE: readonly string[] = ['host', 'origin', 'x-api-key', 'content-type', 'authorization', 'content-length']
// On every request: a name is only looked at closely when one of its length is wanted.
const BY_LENGTH: readonly (string | undefined)[] = Array.from({ length: 16 }, (_, length) =>
  SINGLE.find((name) => name.length === length),
)

/**
 * Refuses a second `Host`, `Authorization`, `Content-Length`, … and a second `Mcp-*` of any name.
 * @throws GatewayError REQUEST_MALFORMED naming the header
 */
export function checkSingleHeaders(rawHeaders: readonly string[]): void {
  let seen = 0
  let mcp: Set<string> | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const wanted = BY_LENGTH[name.length]
    if (wanted !== undefined && name.toLowerCase() === wanted) {
      const bit = 1 << name.length
      if ((seen & bit) !== 0) throw twice(name)
      seen |= bit
    } else if (isMcp(name)) {
      mcp ??= new Set()
      const lower = name.toLowerCase()
      if (mcp.has(lower)) throw twice(name)
      mcp.add(lower)
    }
  }
}

function isMcp(name: string): boolean {
  return name.charCodeAt(3) === 0x2d && name.slice(0, 3).toLowerCase() === 'mcp'
}

function twice(name: string): GatewayError {
  return new GatewayError('REQUEST_MALFORMED', `the header ${name} is given twice`)
}
