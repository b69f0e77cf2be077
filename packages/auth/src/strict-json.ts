/**
 * Parses JSON and refuses a member name that occurs twice in one object: parsers differ in which one wins,
 * so two of them could read two different tokens. Names are compared after unescaping.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  refuseDuplicates(text)
  return value
}

// The text is known to be valid JSON: a string is a member name if, and only if, a colon follows.
function refuseDuplicates(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '{') open.push(new Set())
    else if (character === '[') open.push(undefined)
    else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const end = endOfString(text, i)
      if (isMemberName(text, end)) note(open.at(-1), JSON.parse(text.slice(i, end + 1)))
      i = end
    }
  }
}

function note(names: Set<string> | undefined, name: string): void {
  if (names?.has(name) === true) throw new SyntaxError('a member name occurs twice')
  names?.add(name)
}

function endOfString(text: string, start: number): number {
  let i = start + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}

function isMemberName(text: string, end: number): boolean {
  let i = end + 1
  while (text[i] === ' ' || text[i] === '\t' || text[i] === '\n' || text[i] === '\r') i++
  return text[i] === ':'
}
