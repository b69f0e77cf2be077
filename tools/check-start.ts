/*
 * Why: the first thing a stranger does is to run `start` and paste the curl line that it prints, and nothing else in the suite would
 * notice if that line stopped working. So this script runs tools/start.ts on a free port with a state folder of its own, pastes the
 * line into a shell, looks at docs and native endpoint, starts a second one on the same port (which must say that it is taken and
 * exit with 1), stops the first as Ctrl-C would, and makes sure that gateway and example are gone.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tally } from './lib/tally.ts'
import { root } from './lib/workspace.ts'

const READY_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 60_000
const tally = new Tally()

interface Started {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  output(): string
}

const folder = mkdtempSync(join(tmpdir(), 'mcpp-start-'))
const port = await freePort()
const first = start(port, 'first')
try {
  const curl = await printedLine(first, /^\s*(curl -s \S+.*)$/m)
  tally.check(curl === undefined ? [`start printed no curl line:\n${first.output()}`] : await pasteFaults(curl))
  tally.check(commandFaults(first.output()))
  tally.check(curl === undefined ? [] : await reachableFaults(`http://127.0.0.1:${port}`))
  tally.check(curl === undefined ? [] : await takenPortFaults(port))
} finally {
  tally.check(await stopFaults(first))
  rmSync(folder, { recursive: true, force: true })
}
tally.finish()

function start(onPort: number, state: string): Started {
  const args = [join(root, 'tools/start.ts'), '--port', String(onPort)]
  const env = { ...process.env, MCPP_STATE_DIR: join(folder, state), PORT: '' }
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return { child, exited, output: () => output }
}

async function printedLine(started: Started, pattern: RegExp): Promise<string | undefined> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline && started.child.exitCode === null) {
    const line = pattern.exec(started.output())?.[1]
    if (line !== undefined) return line
    await sleep(100)
  }
  return undefined
}

async function pasteFaults(curl: string): Promise<string[]> {
  const answer = await shell(curl)
  return answer.includes('"words":2') ? [] : [`the printed line answers ${answer || 'nothing'}: ${curl}`]
}

/** In a clone there is no `mcpp` on the PATH: every command must be one that can be pasted. */
function commandFaults(output: string): string[] {
  const bare = /^\s*mcpp .*$/m.exec(output)?.[0]
  return bare === undefined ? [] : [`start prints a command that a clone does not have: ${bare.trim()}`]
}

async function reachableFaults(url: string): Promise<string[]> {
  const faults: string[] = []
  for (const path of ['/docs', '/redoc', '/openapi.json', '/gateway/health', '/mcp/notes/tools/list']) {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(30_000) })
    await response.arrayBuffer()
    if (response.status !== 200) faults.push(`${path} answers ${response.status}`)
  }
  return faults
}

async function takenPortFaults(taken: number): Promise<string[]> {
  const second = start(taken, 'second')
  const code = await Promise.race([second.exited, sleep(READY_WITHIN_MS, 'running' as const, { ref: false })])
  if (code === 'running') {
    second.child.kill('SIGTERM')
    return ['a second start on the same port went on running']
  }
  const said = /already|in use|taken/i.test(second.output())
  return code === 1 && said ? [] : [`a second start exits with ${code} and says: ${second.output()}`]
}

async function stopFaults(started: Started): Promise<string[]> {
  const family = await descendants(started.child.pid ?? 0)
  started.child.kill('SIGINT')
  const code = await Promise.race([started.exited, sleep(STOP_WITHIN_MS, 'running' as const, { ref: false })])
  if (code === 'running') started.child.kill('SIGKILL')
  await sleep(200)
  const left = family.filter(isAlive).map((pid) => `after stopping, its child ${pid} still runs`)
  return code === 0 ? left : [...left, `SIGINT ends it with ${code}, not 0:\n${started.output()}`]
}

async function descendants(pid: number): Promise<readonly number[]> {
  const rows = (await shell('ps -eo pid=,ppid='))
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  const found = new Set([pid])
  for (const parent of found) for (const [child = 0, of] of rows) if (of === parent) found.add(child)
  found.delete(pid)
  return [...found]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH: gone, as it should be.
  }
}

function shell(command: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', command], { timeout: 60_000 }, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new TypeError('the probe socket has no port')
  return address.port
}
