const TOKEN = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
/** A comma with nothing behind it; texts are matched first, so that what looks like one inside them stays. */
const LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g

/**
 * Reads JSON with comments and last commas, as editors write their `mcp.json` (JSONC).
 * @throws SyntaxError that says where it stops being JSON
 */
export function parseJsonc(text: string): unknown {
  // Blanks for what is taken out, so that places in the message are those of the file.
  const bare = text.replace(/^\uFEFF/, ' ').replace(TOKEN, (token) => (token.startsWith('/') ? blank(token) : token))
  const json = bare.replace(LAST_COMMA, (token) => (token === ',' ? ' ' : token))
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new SyntaxError(whereText(json, error), { cause: error })
  }
}

/** True for a text that begins like a JSON object or list, or with a comment of JSONC. */
export function looksLikeJson(text: string): boolean {
  return /^\uFEFF?\s*(?:[{[]|\/\/|\/\*)/.test(text)
}

function blank(token: string): string {
  return token.replace(/[^\n]/g, ' ')
}

function whereText(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const at = / at position (\d+)/.exec(message)?.[1]
  if (at === undefined) return `it is not JSON (${message})`
  const before = text.slice(0, Number(at)).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return `it stops being JSON at line ${before.length}, column ${column}`
}
