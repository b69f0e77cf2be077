/*
 * Why: the MCP Inspector is what people reach for first when a server does not behave, and its command-line mode is one more real
 * client of ours that nobody here wrote. So this script starts tools/start.ts on a port of its own and uses the Inspector on
 * /mcp/notes and on the aggregated /mcp: over Streamable HTTP and over the deprecated HTTP+SSE, listing and calling.
 * It comes by npx and not by the lockfile: with its web page's build tools it weighs 110 MB, which a clone should not.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tally } from './lib/tally.ts'
import { root } from './lib/workspace.ts'

const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0'
const READY_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 40_000
/** The first one downloads it. */
const RUN_WITHIN_MS = 240_000

interface Look {
  readonly path: string
  readonly transport: 'http' | 'sse'
  readonly args: readonly string[]
  /** What its output must say. */
  readonly says: string
}

const LIST = ['--method', 'tools/list']
const COUNT = ['--tool-arg', 'text=hello inspector']
const LOOKS: readonly Look[] = [
  { path: '/mcp/notes', transport: 'http', args: LIST, says: '"word_count"' },
  { path: '/mcp/notes', transport: 'http', args: callOf('word_count'), says: '"words": 2' },
  { path: '/mcp/notes/sse', transport: 'sse', args: LIST, says: '"word_count"' },
  { path: '/mcp', transport: 'http', args: LIST, says: '"notes__word_count"' },
  { path: '/mcp', transport: 'http', args: callOf('notes__word_count'), says: '"words": 2' },
]

const folder = mkdtempSync(join(tmpdir(), 'mcpp-inspector-'))
const tally = new Tally()
const gateway = start()
try {
  const base = await urlOf(gateway)
  for (const look of LOOKS) tally.check(await faultsOf(base, look))
} finally {
  await stop(gateway)
  rmSync(folder, { recursive: true, force: true })
}
tally.finish()

function callOf(tool: string): readonly string[] {
  return ['--method', 'tools/call', '--tool-name', tool, ...COUNT]
}

function start(): ChildProcess {
  const env = { ...process.env, MCPP_STATE_DIR: join(folder, 'state'), PORT: '' }
  const args = [join(root, 'tools/start.ts'), '--port', '0', '--log-level', 'warn']
  return spawn(process.execPath, args, { cwd: root, env, stdio: 'ignore' })
}

async function urlOf(child: ChildProcess): Promise<string> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline && child.exitCode === null) {
    const url = writtenUrl(join(folder, 'state/gateway.json'))
    if (url !== undefined) return url
    await sleep(100)
  }
  throw new Error('the gateway did not start')
}

function writtenUrl(file: string): string | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).url
  } catch {
    return undefined // Not written yet, or just being written.
  }
}

async function faultsOf(base: string, { path, transport, args, says }: Look): Promise<string[]> {
  const command = ['-y', INSPECTOR, '--cli', `${base}${path}`, '--transport', transport, ...args]
  const { output, code } = await run('npx', command)
  if (code === 0 && output.includes(says)) return []
  return [`npx ${command.join(' ')} ends with ${code} and does not say ${says}: ${output.slice(0, 2_000)}`]
}

function run(command: string, args: readonly string[]): Promise<{ output: string; code: number | string }> {
  // Its own home, or it would write into the person's; npm's cache is shared, so that it is downloaded once.
  const env = { ...process.env, MCP_CATALOG_PATH: join(folder, 'catalog.json') }
  return new Promise((resolve) => {
    execFile(command, [...args], { cwd: folder, env, timeout: RUN_WITHIN_MS }, (error, stdout, stderr) =>
      resolve({ output: `${stdout}${stderr}`, code: error ? (error.code ?? 'a signal') : 0 }),
    )
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = await Promise.race([exited, sleep(STOP_WITHIN_MS, 'late' as const, { ref: false })])
  if (late === 'late') child.kill('SIGKILL')
}
