import { parseArgs } from 'node:util'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { serveHttp } from './http.js'
import { Notebook } from './notebook.js'
import { createNotesServer } from './server.js'

const USAGE = `usage: node dist/main.js --stdio
       node dist/main.js --http [--port N] [--until-stdin-ends]

  --stdio              speak MCP on the standard streams
  --http               speak Streamable HTTP on 127.0.0.1, endpoint /mcp
  --port N             port for --http; 0 takes a free one (default 7071)
  --until-stdin-ends   end with the process that holds the other end of stdin`

/** Standard output belongs to the protocol, so everything for people goes to standard error. */
function say(line: string): void {
  process.stderr.write(`notes: ${line}\n`)
}

async function stdio(): Promise<void> {
  const server = createNotesServer(new Notebook())
  await server.connect(new StdioServerTransport())
  process.stdin.once('end', () => void server.close())
}

async function http(port: number, untilStdinEnds: boolean): Promise<void> {
  const serving = await serveHttp({ port, notebook: new Notebook() })
  say(`listening on ${serving.url}`)
  const stop = (): void => void serving.close().then(() => process.exit(0))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  if (untilStdinEnds) process.stdin.resume().once('end', stop)
}

const { values } = parseArgs({
  options: {
    stdio: { type: 'boolean' },
    http: { type: 'boolean' },
    port: { type: 'string', default: '7071' },
    'until-stdin-ends': { type: 'boolean', default: false },
  },
})
const port = Number(values.port)

if (values.stdio === values.http || !Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(USAGE)
  process.exitCode = 2
} else if (values.stdio) {
  await stdio()
} else {
  await http(port, values['until-stdin-ends']).catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
