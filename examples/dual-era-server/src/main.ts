import { parseArgs } from 'node:util'
import { type Era, serveHttp } from './http.js'
import { serveStdio } from './stdio.js'

const USAGE = `usage: node dist/main.js --stdio [--era both|legacy|modern]
       node dist/main.js --http [--port N] [--era both|legacy|modern]

  MCP_STATE_KEY   32 characters or more that seal requestState; give all instances of a group the same`

const ERAS: readonly string[] = ['both', 'legacy', 'modern']

function isEra(value: string): value is Era {
  return ERAS.includes(value)
}

/** Standard output belongs to the protocol, so everything for people goes to standard error. */
function say(line: string): void {
  process.stderr.write(`dual-era: ${line}\n`)
}

async function http(port: number, era: Era, stateKey: string | undefined): Promise<void> {
  const serving = await serveHttp({ port, era, stateKey, onError: ({ message }) => say(message) })
  say(`listening on ${serving.url}`)
  const stop = (): void => void serving.close().then(() => process.exit(0))
  process.once('SIGINT', stop).once('SIGTERM', stop)
}

const { values } = parseArgs({
  options: {
    stdio: { type: 'boolean' },
    http: { type: 'boolean' },
    port: { type: 'string', default: '7072' },
    era: { type: 'string', default: 'both' },
  },
})
const port = Number(values.port)
const stateKey = process.env['MCP_STATE_KEY']

if (values.stdio === values.http || !isEra(values.era) || !Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(USAGE)
  process.exitCode = 2
} else {
  const serving = values.stdio ? serveStdio({ era: values.era, stateKey }) : http(port, values.era, stateKey)
  await serving.catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  })
}
