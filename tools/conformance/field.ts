import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../lib/workspace.ts'

/** What stands behind the gateway: the server's eras and its transport. */
export const CELLS = ['both-http', 'legacy-http', 'modern-http', 'legacy-stdio', 'modern-stdio'] as const
export type Cell = (typeof CELLS)[number]

/** Instances per template. */
export const INSTANCES = [1, 3] as const

/** Everything that takes part; stop it after use. */
export interface Field {
  /** The reference server itself. */
  readonly bare: string
  urlOf(cell: Cell, instances: number): string
  stop(): Promise<void>
}

const SERVER = join(root, 'examples/dual-era-server/dist/main.js')
const GATEWAY = join(root, 'apps/cli/bin/run.js')
/** All instances of a group must open each other's request states. */
const STATE_KEY = 'conformance-conformance-conformance'
const READY_WITHIN_MS = 120_000
const STOP_WITHIN_MS = 60_000

/** Starts reference servers and the gateway, and resolves when every instance is healthy. */
export async function startField(): Promise<Field> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpp-conformance-field-'))
  const children: ChildProcess[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return await start(folder, children, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(folder: string, children: ChildProcess[], stop: () => Promise<void>): Promise<Field> {
  const bare = await startServer('both', children)
  const templates: Record<string, object> = {}
  for (const cell of CELLS)
    for (const count of INSTANCES) templates[nameOf(cell, count)] = await template(cell, count, children)
  const base = await startGateway(folder, templates, children)
  await Promise.all(Object.keys(templates).map((name) => healthy(base, name)))
  return { bare, urlOf: (cell, instances) => `${base}/mcp/${nameOf(cell, instances)}`, stop }
}

function nameOf(cell: Cell, instances: number): string {
  return instances === 1 ? cell : `${cell}-x${instances}`
}

async function template(cell: Cell, count: number, children: ChildProcess[]): Promise<object> {
  const [era = '', transport] = cell.split('-')
  const ids = Array.from({ length: count }, (_, index) => `${cell}-${index + 1}`)
  if (transport === 'http') {
    const urls = await Promise.all(ids.map(() => startServer(era, children)))
    return { instances: ids.map((id, index) => ({ id, endpoint: urls[index] })) }
  }
  const args = [SERVER, '--stdio', '--era', era]
  return { instances: ids.map((id) => ({ id, command: process.execPath, args, env: { MCP_STATE_KEY: STATE_KEY } })) }
}

async function startServer(era: string, children: ChildProcess[]): Promise<string> {
  const env = { ...process.env, MCP_STATE_KEY: STATE_KEY }
  const args = [SERVER, '--http', '--port', '0', '--era', era]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
  children.push(child)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ''
  // Read to its end, or the server would fail on a closed pipe.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4_000)
    const url = /listening on (\S+)/.exec(output)?.[1]
    if (url !== undefined) resolve(url)
  })
  child.once('exit', () => reject(new Error(`the reference server ended: ${output.trim()}`)))
  return promise
}

async function startGateway(folder: string, templates: object, children: ChildProcess[]): Promise<string> {
  const state = join(folder, 'state')
  const registry = join(folder, 'registry.json')
  mkdirSync(state, { mode: 0o700 })
  writeFileSync(registry, JSON.stringify({ templates }), { mode: 0o600 })
  const args = [GATEWAY, 'gateway', 'start', '--port', '0', '--registry-file', registry, '--log-level', 'warn']
  const env = { ...process.env, MCPP_STATE_DIR: state, PORT: '' }
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: folder })
  children.push(child)
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4_000)
  })
  const file = join(state, 'gateway.json')
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline && child.exitCode === null) {
    const url = urlIn(file)
    if (url !== undefined) return url
    await sleep(100)
  }
  throw new Error(`the gateway did not start: ${output.trim()}`)
}

function urlIn(file: string): string | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).url
  } catch {
    return undefined // Not written yet, or just being written.
  }
}

async function healthy(base: string, name: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (performance.now() < deadline) {
    if (await isHealthy(base, name)) return
    await sleep(200)
  }
  throw new Error(`${name} was not healthy within ${READY_WITHIN_MS / 1_000} s`)
}

async function isHealthy(base: string, name: string): Promise<boolean> {
  try {
    const answer = await fetch(`${base}/mcp/${name}/health`, { signal: AbortSignal.timeout(10_000) })
    const { healthy_instances: fit, total_instances: all } = Object(await answer.json())
    return all > 0 && fit === all
  } catch {
    return false // Not listening yet.
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS)
  await ended
  clearTimeout(timer)
}
