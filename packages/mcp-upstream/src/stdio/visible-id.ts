const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENERS = '{['
const CLOSERS = '}]'

/**
 * Finds which request a broken or oversize line would have answered, from its beginning alone: the integer `id` of the
 * outermost object. Undefined if it is not visible, or if a `method` shows that the line is no response.
 */
export function visibleResponseId(head: Buffer): number | undefined {
  let depth = 0
  for (let at = 0; at < head.length; at += 1) {
    const character = String.fromCharCode(head[at] ?? 0)
    if (OPENERS.includes(character)) depth += 1
    if (CLOSERS.includes(character)) depth -= 1
    if (head[at] !== QUOTE) continue
    const end = endOfString(head, at)
    const key = depth === 1 ? head.toString('latin1', at + 1, end) : undefined
    at = end
    if (key === 'method' && isKey(head, end)) return undefined
    if (key === 'id' && isKey(head, end)) return integerAfter(head, end)
  }
  return undefined
}

function endOfString(head: Buffer, start: number): number {
  let at = start + 1
  while (at < head.length && head[at] !== QUOTE) at += head[at] === BACKSLASH ? 2 : 1
  return at
}

function isKey(head: Buffer, endOfKey: number): boolean {
  return /^"\s*:/.test(head.toString('latin1', endOfKey, endOfKey + 16))
}

// The digits must be followed by something, or they may be cut off.
function integerAfter(head: Buffer, endOfKey: number): number | undefined {
  const digits = /^"\s*:\s*"?(\d{1,15})["\s,}]/.exec(head.toString('latin1', endOfKey, endOfKey + 64))?.[1]
  return digits === undefined ? undefined : Number(digits)
}
