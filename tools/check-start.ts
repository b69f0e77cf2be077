/*
 * Why: the first thing a stranger does is to run `start` and paste the curl line that it prints, and nothing else in the suite would
 * notice if that line stopped working. So this script runs tools/start.ts on a free port with a state folder of its own, pastes the
 * line into a shell, looks at docs and native endpoint, starts a second one on the same port (which must say that it is taken and
 * exit with 1), stops the first as Ctrl-C would, and makes sure that gateway and example are gone.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tally } from './lib/tally.ts'
import { root } from './lib/workspace.ts'

const READY_WITHIN_MS = 40_000
const STOP_WITHIN_MS = 30_000
const tally = new Tally()

interface Started {
  readonly child: ChildProcess
  readonly exited: Promise<number | null>
  output(): string
}

const port = await freePort()
const first = start(port)
try {
  const curl = await printedLine(first, /^\s*(curl -s \S+.*)$/m)
  tally.check(curl === undefined ? [`start printed no curl line:\n${first.output()}`] : await pasteFaults(curl))
  tally.check(curl === undefined ? [] : await reachableFaults(`http://127.0.0.1:${port}`))
  tally.check(curl === undefined ? [] : await takenPortFaults(port))
} finally {
  tally.check(await stopFaults(first))
}
tally.finish()

function start(onPort: number): Started {
  const args = [join(root, 'tools/start.ts'), '--port', String(onPort)]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
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

async function reachableFaults(url: string): Promise<string[]> {
  const faults: string[] = []
  for (const path of ['/docs', '/redoc', '/openapi.json', '/gateway/health', '/mcp/notes/tools/list']) {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    if (response.status !== 200) faults.push(`${path} answers ${response.status}`)
  }
  return faults
}

async function takenPortFaults(taken: number): Promise<string[]> {
  const second = start(taken)
  const code = await Promise.race([second.exited, sleep(READY_WITHIN_MS, 'running' as const, { ref: false })])
  if (code === 'running') {
    second.child.kill('SIGTERM')
    return ['a second start on the same port went on running']
  }
  const said = /already|in use|taken/i.test(second.output())
  return code === 1 && said ? [] : [`a second start exits with ${code} and says: ${second.output()}`]
}

async function stopFaults(started: Started): Promise<string[]> {
  started.child.kill('SIGINT')
  const code = await Promise.race([started.exited, sleep(STOP_WITHIN_MS, 'running' as const, { ref: false })])
  if (code === 'running') started.child.kill('SIGKILL')
  const left = await shell(`pgrep -f ${join(root, 'examples/notes-server/dist/main.js')} || true`)
  const faults = left.trim() === '' ? [] : [`after stopping, the example still runs: pid ${left.trim()}`]
  return code === 0 ? faults : [...faults, `SIGINT ends it with ${code}, not 0`]
}

function shell(command: string): Promise<string> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', command], { timeout: 10_000 }, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`))
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
