import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, it } from '@jest/globals'
import { type Launched, launch, refusesConnections, tempDir, waitFor } from '@mcp-platform/test-kit'
import { type Availability, startMariadb, startPostgres, type TestDatabase } from '@mcp-platform/test-kit/databases'
import { type Answer, send } from '../helpers.js'

const PROGRAM = fileURLToPath(new URL('./node-program.mjs', import.meta.url))

/** A gateway in a process of its own. */
export interface NodeProcess {
  readonly url: string
  readonly pid: number
  readonly stateDir: string
  readonly database: string
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  get(path: string): Promise<Answer>
  /** Without a credential. */
  post(path: string, body: unknown): Promise<Answer>
  signal(signal: NodeJS.Signals): void
  /** Asks it to end, and fails when it does not by itself. */
  end(): Promise<void>
  /** Resolves when nobody takes connections for it any more, its workers neither. */
  kill9(): Promise<void>
  stop(): Promise<void>
}

/** Why a gateway could not start. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly exitCode: number | null
}

export interface NodeOptions {
  readonly database: string
  /** @default a new one */
  readonly stateDir?: string | undefined
  readonly flags?: Readonly<Record<string, unknown>> | undefined
}

const MASTER_KEY = '5a'.repeat(32)
const running = new Set<Launched>()

afterAll(async () => {
  await Promise.all([...running].map((node) => node.stop()))
})

/** Starts a gateway as a process; it is stopped after the tests of the file. */
export async function startNode(options: NodeOptions): Promise<NodeProcess> {
  const { child, said, stateDir } = await run(options)
  if (said.ready !== true) throw new Error(`the gateway cannot start: ${said.message}\n${child.output()}`)
  const { url, adminToken } = said
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
  return {
    url,
    pid: child.pid,
    stateDir,
    database: options.database,
    admin: (method, path, body) =>
      send(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    get: (path) => send(url + path),
    post: (path, body) => send(url + path, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) }),
    signal: (signal) => child.signal(signal),
    end: async () => {
      child.signal('SIGTERM')
      await Promise.race([child.exited, sleep(45_000, undefined, { ref: false }).then(() => stillRuns(child))])
    },
    kill9: async () => {
      await child.kill9()
      await waitFor(() => refusesConnections(url), { what: 'the killed gateway still takes connections' })
    },
    stop: () => child.stop(),
  }
}

const JSON_TYPE = { 'content-type': 'application/json' }

function stillRuns(child: Launched): never {
  throw new Error(`the gateway does not end\n${child.output()}`)
}

/** Starts a gateway that must not start. */
export async function refusedNode(options: NodeOptions): Promise<Refusal> {
  const { child, said } = await run(options)
  if (said.ready === true) throw new Error('the gateway has started')
  const { code } = await child.exited
  return { code: said.code, message: said.message, exitCode: code }
}

type Said =
  | { readonly ready: true; readonly url: string; readonly adminToken: string }
  | { readonly ready: false; readonly code: string; readonly message: string }

async function run({ database, flags, stateDir }: NodeOptions) {
  const folder = stateDir ?? (await tempDir()).path
  let said: Said | undefined
  const settings = { port: 0, 'health-interval': 0.5, 'log-level': 'warn', database, 'state-dir': folder, ...flags }
  const child = await launch({
    name: 'gateway',
    command: process.execPath,
    args: [PROGRAM, JSON.stringify(settings)],
    isReady: (line) => {
      if (!line.startsWith('{"ready"')) return false
      said = JSON.parse(line)
      return true
    },
    // The same for all nodes: they share what is sealed with it.
    env: { MCP_GATEWAY_MASTER_KEY: MASTER_KEY },
    graceMs: 60_000,
  })
  running.add(child)
  void child.exited.then(() => running.delete(child))
  if (said === undefined) throw new Error('it has said nothing')
  return { child, said, stateDir: folder }
}

/** Runs a suite on each database server that this machine has; skips the others with the reason. */
export async function onServers(suite: (server: TestDatabase, name: string) => void): Promise<void> {
  await onServer('PostgreSQL', startPostgres, suite)
  await onServer('MariaDB', startMariadb, suite)
}

export async function onServer(
  name: string,
  start: () => Promise<Availability<TestDatabase>>,
  suite: (server: TestDatabase, name: string) => void,
): Promise<void> {
  const { database: server, reason } = await start()
  if (server === undefined) {
    describe.skip(`${name}: ${reason}`, () => {
      it('is not run', () => undefined)
    })
    return
  }
  // Outside: hooks of a block whose tests are all filtered out are not run.
  afterAll(() => server.stop())
  describe(name, () => suite(server, name))
}

/** The body that registers an instance. */
export function instance(id: string, endpoint = 'http://127.0.0.1:9/mcp', template = 'fs'): object {
  return { template_name: template, instance: { id, endpoint } }
}
