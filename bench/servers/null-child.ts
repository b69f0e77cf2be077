/*
 * The null MCP server (null-mcp.ts) on its standard streams, for what puts stdio children behind HTTP. Legacy only, as most stdio
 * servers are. Answers to what came in one piece go out in one piece. Ends with its stdin.
 */
import { answer } from './null-mcp.ts'

let pending = ''

function answersTo(lines: readonly string[]): string {
  let out = ''
  for (const line of lines) {
    const message = JSON.parse(line)
    if (message.id === undefined) continue
    out += `${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message, 'legacy') })}\n`
  }
  return out
}

process.stdin.setEncoding('utf8').on('data', (piece: string) => {
  const lines = (pending + piece).split('\n')
  pending = lines.pop() ?? ''
  const out = answersTo(lines)
  if (out !== '') process.stdout.write(out)
})
