/*
 * Why: a stranger who clones the repository should see the gateway balance real MCP servers after one command, and registering a
 * server first is one step too many. So this script starts the notes example over HTTP as its child, writes a registry file with
 * that instance and one over stdio, and runs the gateway on it with a state folder inside the clone (or MCPP_STATE_DIR). It prints what to try, ends
 * the example with the gateway, and ends with the gateway's exit code. `mcpp gateway start` alone starts no example.
 * Arguments are the gateway's: `pnpm start --port 9000 --log-level debug`. PORT works too.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './lib/workspace.ts'

const STATE_DIR = process.env['MCPP_STATE_DIR'] || join(root, '.mcpp')
const REGISTRY_FILE = join(STATE_DIR, 'registry.json')
const NOTES = join(root, 'examples/notes-server/dist/main.js')
const READY_WITHIN_MS = 60_000
/** The gateway drains for some seconds on SIGTERM; after this long it is killed. */
const STOP_WITHIN_MS = 40_000

mkdirSync(STATE_DIR, { recursive: true, mode: 0o700 })
const example = startExample()
const notesUrl = await listeningUrl(example)
writeRegistry(notesUrl)
const gateway = startGateway(process.argv.slice(2))
const words = holdBack(gateway)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopGateway(signal))
const ended = exitOf(gateway)
void ended.then(() => example.kill('SIGTERM'))
const url = await Promise.race([readyUrl(gateway), ended.then(() => undefined)])
if (url === undefined) words.release()
else introduce(url, words)
process.exitCode = await ended

/** It ends when our end of its stdin closes, so it does not outlive us even if we are killed. */
function startExample(): ChildProcess {
  const args = [NOTES, '--http', '--port', '0', '--until-stdin-ends']
  // A group of its own: Ctrl-C on a terminal must reach the gateway first, which still has calls to finish on this server.
  return spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true })
}

async function listeningUrl(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of child.stderr ?? []) {
    output += chunk
    const found = /listening on (\S+)/.exec(output)?.[1]
    if (found === undefined) continue
    child.stderr?.pipe(process.stderr)
    return found
  }
  throw new Error(`the example server did not start: ${output.trim()}`)
}

function writeRegistry(endpoint: string): void {
  const instances = [
    { id: 'notes-http', endpoint },
    { id: 'notes-stdio', command: process.execPath, args: [NOTES, '--stdio'] },
  ]
  writeFileSync(REGISTRY_FILE, `${JSON.stringify({ templates: { notes: { instances } } }, null, 2)}\n`, { mode: 0o600 })
  chmodSync(REGISTRY_FILE, 0o600)
}

function startGateway(args: readonly string[]): ChildProcess {
  const port = process.env['PORT']
  const given = args.some((arg) => arg === '--port' || arg.startsWith('--port='))
  const chosen = port === undefined || port === '' || given ? [] : ['--port', port]
  const command = [
    join(root, 'apps/cli/bin/run.js'),
    'gateway',
    'start',
    '--registry-file',
    REGISTRY_FILE,
    ...chosen,
    ...args,
  ]
  const env = { ...process.env, MCPP_STATE_DIR: STATE_DIR }
  // What it would say first names `mcpp`, which is no command in a clone; with --auth ours would not be all.
  const speaks = args.some((arg) => arg === '--auth' || arg === '--help')
  return spawn(process.execPath, command, {
    stdio: ['ignore', speaks ? 'inherit' : 'pipe', 'inherit'],
    env,
    detached: true,
  })
}

interface Words {
  /** Shows what was held back, and what comes. */
  release(): void
  /** Never shows it. */
  drop(): void
}

/** Keeps what the gateway says until it is known whether we say it better. */
function holdBack(child: ChildProcess): Words {
  const held: Buffer[] = []
  const keep = (chunk: Buffer): void => void held.push(chunk)
  child.stdout?.on('data', keep)
  return {
    drop: () => void child.stdout?.off('data', keep).resume(),
    release: () => {
      child.stdout?.off('data', keep)
      for (const chunk of held) process.stdout.write(chunk)
      child.stdout?.pipe(process.stdout, { end: false })
    },
  }
}

/** Once politely; the gateway takes a second signal as "at once", and gets it if the person sends another. */
function stopGateway(signal: NodeJS.Signals): void {
  gateway.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
  setTimeout(() => gateway.kill('SIGKILL'), STOP_WITHIN_MS).unref()
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 1))),
  )
}

/** The URL in the state folder once the gateway is ready and knows both instances; undefined if that takes too long. */
async function readyUrl(child: ChildProcess): Promise<string | undefined> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const running = runningGateway(child.pid)
    if (running !== undefined && (await servesNotes(running))) return running
    await sleep(100)
  }
  return undefined
}

function runningGateway(pid: number | undefined): string | undefined {
  try {
    const state = JSON.parse(readFileSync(join(STATE_DIR, 'gateway.json'), 'utf8'))
    return state.pid === pid ? state.url : undefined
  } catch {
    return undefined // Not written yet, or just being written.
  }
}

async function servesNotes(base: string): Promise<boolean> {
  try {
    const health = await fetch(new URL('/mcp/notes/health', base), { signal: AbortSignal.timeout(5_000) })
    const { healthy_instances: healthy } = Object(await health.json())
    return healthy === 2
  } catch {
    return false // Not listening yet.
  }
}

function introduce(base: string, gatewaysWords: Words): void {
  gatewaysWords.drop()
  const call = `curl -s ${base}/mcp/notes/tools/call -H 'content-type: application/json' -d '${JSON.stringify({
    name: 'word_count',
    arguments: { text: 'hello world' },
  })}'`
  console.log(`
MCP Platform is ready, with the template "notes" on two instances (one over HTTP, one over stdio).

  gateway   ${base}
  docs      ${base}/docs
  native    ${base}/mcp/notes   (paste it into any MCP client)

Try:
  ${call}
  npx -y pnpm@12.21.0 mcpp gateway register files --command "node_modules/.bin/mcp-server-filesystem ." --wait
  npx -y pnpm@12.21.0 mcpp gateway tools files

Ctrl-C stops it. Its state is in ${STATE_DIR}.
`)
}
