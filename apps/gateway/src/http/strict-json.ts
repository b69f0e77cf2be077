import { GatewayError } from '@mcp-platform/gateway-core'

const MAX_DEPTH = 64
// Assigned to an object somewhere, these change what every object can do.
const REFUSED_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Reads JSON and refuses what parsers read differently: duplicate members, names that reach an object's prototype,
 * text that is not UTF-8, and nesting deeper than 64.
 * @throws GatewayError REQUEST_MALFORMED that names the member
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  const value = parse(text)
  scanMembers(text)
  return value
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new GatewayError('REQUEST_MALFORMED', 'the body is not UTF-8', {}, error)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed'
    throw new GatewayError('REQUEST_MALFORMED', `the body is not JSON: ${reason}`, {}, error)
  }
}

/** An object or array that is open at the scanner's place; `names` for an object only. */
interface Open {
  readonly names: Set<string> | undefined
  /** The next string of an object is a member's name. */
  expectsName: boolean
}

// The text has been parsed, so brackets match and strings end: only structure is looked at here.
function scanMembers(text: string): void {
  const stack: Open[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') {
      const end = stringEnd(text, at)
      takeName(stack.at(-1), text.slice(at, end + 1))
      at = end
    } else if (char === '{' || char === '[') {
      if (stack.length === MAX_DEPTH) throw malformed(`the body is nested deeper than ${MAX_DEPTH}`)
      stack.push({ names: char === '{' ? new Set() : undefined, expectsName: char === '{' })
    } else if (char === '}' || char === ']') {
      stack.pop()
    } else if (char === ',') {
      const open = stack.at(-1)
      if (open?.names !== undefined) open.expectsName = true
    }
  }
}

function stringEnd(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function takeName(open: Open | undefined, literal: string): void {
  if (open?.names === undefined || !open.expectsName) return
  open.expectsName = false
  // Compared after unescaping: "n\u0061me" is "name".
  const name: unknown = JSON.parse(literal)
  if (typeof name !== 'string') return
  if (REFUSED_NAMES.has(name)) throw malformed(`the member ${literal} is not accepted`)
  if (open.names.has(name)) throw malformed(`the member ${JSON.stringify(name)} is given twice`)
  open.names.add(name)
}

function malformed(message: string): GatewayError {
  return new GatewayError('REQUEST_MALFORMED', message)
}
