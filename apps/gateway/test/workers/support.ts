import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { request as secureRequest, Agent as TlsAgent } from 'node:https'
import { join } from 'node:path'
import { type Launched, launch, pidAlive, tempDir, waitFor } from '@mcp-platform/test-kit'

const PROGRAM = join(import.meta.dirname, 'gateway-program.mjs')

/** An answer that was read whole. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of any shape
  readonly json: any
}

/** A gateway with several processes, as an operator runs it. */
export class Cluster {
  readonly url: string
  readonly stateDir: string
  readonly process: Launched
  readonly #adminToken: string
  readonly #lines: readonly string[]

  private constructor(parts: {
    url: string
    stateDir: string
    process: Launched
    adminToken: string
    lines: readonly string[]
  }) {
    this.url = parts.url
    this.stateDir = parts.stateDir
    this.process = parts.process
    this.#adminToken = parts.adminToken
    this.#lines = parts.lines
  }

  static async start(flags: Readonly<Record<string, unknown>> = {}): Promise<Cluster> {
    const { path: stateDir } = await tempDir()
    const lines: string[] = []
    const process = await launchGateway({ stateDir, ...flags }, (line) => lines.push(line))
    const url = /ready (\S+)/.exec(process.output())?.[1] ?? ''
    const adminToken = (await readFile(join(stateDir, 'admin-token'), 'utf8')).trim()
    return new Cluster({ url, stateDir, process, adminToken, lines })
  }

  /** Its worker processes. */
  workers(): number[] {
    return childrenOf(this.process.pid).filter(isWorker)
  }

  /** Those of them that serve. */
  serving(): number[] {
    const said = this.#lines.map((line) => Number(/^serving (\d+)$/.exec(line)?.[1] ?? 0))
    return said.filter((pid) => pid > 0 && pidAlive(pid))
  }

  /** Resolves when the primary knows that a worker is gone: by then the system has closed its listening socket. */
  async noticed(worker: number): Promise<void> {
    await waitFor(() => this.#lines.some((line) => line.includes(`"workerPid":${worker},"exitCode"`)), {
      what: 'the primary did not notice',
    })
  }

  /** MCP servers that it started. */
  servers(): number[] {
    return childrenOf(this.process.pid).filter((pid) => !isWorker(pid))
  }

  /** The two processes that answered calls of a template; what they log comes a moment after their answers. */
  answeredByBoth(template: string): Promise<number[]> {
    const what = `only one worker answered calls of ${template}`
    return waitFor(() => this.#answeredBy(template).length === 2 && this.#answeredBy(template), { what })
  }

  /** Calls until both processes have answered: what was registered a moment ago is known to one of them before the other. */
  async callBoth(template: string, name: string): Promise<void> {
    const both = async (): Promise<boolean> => {
      await this.call(template, name)
      return this.#answeredBy(template).length === 2
    }
    await waitFor(both, { pollMs: 50, what: `only one worker answers calls of ${template}` })
  }

  #answeredBy(template: string): number[] {
    const calls = this.#lines.filter((line) => line.startsWith('{') && line.endsWith('}')).map(parseCall)
    return [...new Set(calls.filter((call) => call.template === template).map(({ pid }) => pid))]
  }

  /** Sends a request over a connection of its own: the next worker gets it. */
  send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const given = body === undefined ? undefined : JSON.stringify(body)
    const secure = this.url.startsWith('https:')
    const agent = secure
      ? new TlsAgent({ keepAlive: false, rejectUnauthorized: false })
      : new Agent({ keepAlive: false })
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const all = { 'content-type': 'application/json', accept: 'application/json', ...headers }
    const outgoing = (secure ? secureRequest : request)(
      new URL(path, this.url),
      { method, agent, headers: all },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, json: jsonOf(text) }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(given)
    return promise
  }

  admin(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.send(method, path, body, { authorization: `Bearer ${this.#adminToken}` })
  }

  call(template: string, name: string, args: object = {}): Promise<Answer> {
    return this.send('POST', `/mcp/${template}/tools/call`, { name, arguments: args })
  }

  /** Registers an instance, and waits until it was probed. */
  async register(template: string, instance: object, settings: object = {}): Promise<void> {
    const body = { template_name: template, instance, ...settings }
    const { status, json } = await this.admin('POST', '/gateway/register?probe=true', body)
    if (status !== 201) throw new Error(`registering failed: ${JSON.stringify(json)}`)
    if (!json.probe.ok) throw new Error(`the first probe failed: ${JSON.stringify(json)}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const workers = this.workers()
    await this.process.stop()
    await waitFor(() => !workers.some(pidAlive), { what: 'workers were left behind' })
  }
}

/** Starts the program; resolves when it serves or has said why it cannot. */
export function launchGateway(
  flags: Readonly<Record<string, unknown>>,
  onLine?: (line: string) => void,
): Promise<Launched> {
  const all = { port: 0, workers: 2, 'log-format': 'json', 'log-level': 'debug', 'health-interval': 0.5, ...flags }
  return launch({
    name: 'gateway',
    command: process.execPath,
    args: [PROGRAM, JSON.stringify(withKebab(all))],
    isReady: (line) => line.startsWith('ready') || line.startsWith('failed'),
    onLine,
    graceMs: 60_000,
  })
}

function childrenOf(pid: number): number[] {
  if (!pidAlive(pid)) return []
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number).filter(pidAlive)
}

function isWorker(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker-main')
}

function parseCall(line: string): { readonly pid: number; readonly template?: string } {
  return JSON.parse(line)
}

function withKebab({ stateDir, ...flags }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return stateDir === undefined ? flags : { ...flags, 'state-dir': stateDir }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Streams and empty answers are no JSON.
    return text
  }
}
