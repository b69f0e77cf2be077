import { join } from 'node:path'
import type { Dialect, Tool } from './load/dialects.ts'
import { type Cores, pinned } from './measure/pinning.ts'
import { type GatewayOptions, startGateway } from './servers/gateway.ts'
import { findNginx, startNginx } from './servers/nginx.ts'
import { type BenchServer, startScript } from './servers/server.ts'

/** Which server stands behind, and how it is reached. */
export type Upstream = 'null' | 'sdk' | 'null-stdio' | 'sdk-stdio'

/** One row of the table: a way to reach an upstream. */
export interface Contestant {
  readonly name: string
  readonly upstream: Upstream
  readonly url: string
  readonly dialect: Dialect
  readonly tool: Tool
  /** What it calls the tool, if it puts something before its name. */
  readonly toolName?: string | undefined
  /** Dialect `stdio`: the program that the load generator starts and speaks to. */
  readonly child?: readonly string[] | undefined
  /** Its children are stdio upstreams, whose CPU is not its own. */
  readonly childrenAreUpstream?: boolean | undefined
  /** Whose CPU counts as the contestant's; absent for direct, which has nothing in the middle. */
  readonly pid?: number | undefined
  /** Somebody else started it. */
  readonly guest: boolean
}

/** Everything that takes part in a run. Stop it after use. */
export interface Field {
  readonly contestants: readonly Contestant[]
  /** What is missing because it is not installed here. */
  readonly notes: readonly string[]
  /** What should be here and could not be started. */
  readonly failures: readonly string[]
  stop(): Promise<void>
}

/** A gateway of somebody else in the same run. */
export interface Guest {
  readonly name: string
  readonly url: string
  readonly dialect: Dialect
  readonly upstream: Upstream
  readonly pid?: number | undefined
}

/** What is started. */
export interface FieldOptions {
  readonly cores: Cores
  /** Workers of each further gateway. */
  readonly workers: readonly number[]
  readonly guests: readonly Guest[]
  /** Starts only contestants whose name holds this, besides direct and nginx. @default all */
  readonly only?: string | undefined
  /** Ports for the two upstreams, so that a guest can be pointed at them before. @default free ones */
  readonly upstreamPorts?: { readonly null: number; readonly sdk: number } | undefined
}

/** The tool that is called on each upstream. */
export const TOOLS: Readonly<Record<Upstream, Tool>> = {
  null: 'ping',
  sdk: 'word_count',
  'null-stdio': 'ping',
  'sdk-stdio': 'word_count',
}
/** Where our upstreams and references are. */
export const SERVERS: string = join(import.meta.dirname, 'servers')
const NOTES = join(import.meta.dirname, '..', 'examples', 'notes-server', 'dist', 'main.js')

/** The SDK server as a child on the upstream's core: a program and its arguments. */
export function sdkChild({ upstream }: Cores): [string, string[]] {
  return pinned(upstream, process.execPath, [NOTES, '--stdio'])
}

/** Starts upstreams and contestants; whatever was started is stopped if one fails. */
export async function startField(options: FieldOptions): Promise<Field> {
  const builder = new FieldBuilder(options)
  try {
    return await builder.build()
  } catch (error) {
    await builder.stop()
    throw error
  }
}

class FieldBuilder {
  readonly #options: FieldOptions
  readonly #servers: BenchServer[] = []
  readonly #contestants: Contestant[] = []
  readonly #notes: string[] = []
  readonly #failures: string[] = []

  constructor(options: FieldOptions) {
    this.#options = options
  }

  async build(): Promise<Field> {
    const { cores, upstreamPorts = { null: 0, sdk: 0 }, workers } = this.#options
    const nullArgs = [String(upstreamPorts.null)]
    const none = await this.#own(
      startScript('null upstream', join(SERVERS, 'null-upstream.ts'), nullArgs, cores.upstream),
    )
    const notesArgs = ['--http', '--port', String(upstreamPorts.sdk)]
    const sdk = await this.#own(startScript('notes server', NOTES, notesArgs, cores.upstream))
    this.#add('direct', 'null', 'modern', none.url)
    this.#add('direct', 'sdk', 'legacy', sdk.url)
    const child = sdkChild(cores).flat()
    this.#contestants.push({ ...this.#contestant('direct', 'sdk-stdio', 'stdio', 'stdio:'), child })
    await this.#addNginx(none.url, sdk.url)
    for (const name of ['raw-proxy', 'express-proxy'] as const)
      if (this.#wants(name)) await this.#addReference(name, none.url)
    if (this.#wants('gateway x1')) await this.#addGateway(1, cores.target, none.url, sdk.url)
    // With more workers than one, a core of its own would only take the others away.
    for (const count of workers)
      if (this.#wants(`gateway x${count}`)) await this.#addGateway(count, undefined, none.url, sdk.url)
    for (const guest of this.#options.guests)
      this.#contestants.push({ ...guest, tool: TOOLS[guest.upstream], guest: true })
    const notes = this.#notes
    return { contestants: this.#contestants, notes, failures: this.#failures, stop: () => this.stop() }
  }

  /** Last started, first stopped: nobody's upstream goes before them. */
  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0).reverse()) await server.stop()
  }

  async #own(starting: Promise<BenchServer>): Promise<BenchServer> {
    const server = await starting
    this.#servers.push(server)
    return server
  }

  /** One gateway that does not start must not hide what the others can do; it fails the run at its end. */
  async #started(name: string, starting: Promise<BenchServer>): Promise<BenchServer | undefined> {
    try {
      return await this.#own(starting)
    } catch (error) {
      this.#failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  async #addNginx(none: string, sdk: string): Promise<void> {
    const binary = findNginx()
    if (binary === undefined) {
      if (process.env['BENCH_REQUIRE_NGINX'] === '1')
        throw new Error('BENCH_REQUIRE_NGINX=1, but nginx is not installed')
      this.#notes.push('nginx is not installed (Debian: apt-get install nginx-light): its rows and ratios are missing')
      return
    }
    const { target } = this.#options.cores
    const beforeNull = await this.#own(startNginx(binary, none, target))
    this.#add('nginx', 'null', 'modern', beforeNull.url, beforeNull.pid)
    const beforeSdk = await this.#own(startNginx(binary, sdk, target))
    this.#add('nginx', 'sdk', 'legacy', beforeSdk.url, beforeSdk.pid)
  }

  async #addReference(name: 'raw-proxy' | 'express-proxy', none: string): Promise<void> {
    const proxy = await this.#own(
      startScript(name, join(SERVERS, `${name}.ts`), ['0', none], this.#options.cores.target),
    )
    this.#add(name, 'null', 'modern', proxy.url, proxy.pid)
  }

  #wants(name: string): boolean {
    return this.#options.only === undefined || name.includes(this.#options.only)
  }

  async #addGateway(workers: number, core: number | undefined, none: string, sdk: string): Promise<void> {
    const name = `gateway x${workers}`
    const gateway = await this.#started(name, startGateway({ workers, core, templates: this.#templates(none, sdk) }))
    if (gateway === undefined) return
    this.#add(name, 'null', 'modern', `${gateway.url}/mcp/bench`, gateway.pid)
    this.#add(name, 'sdk', 'legacy', `${gateway.url}/mcp/notes`, gateway.pid)
    // What further processes bring is seen in these two; in one process everything that can be spoken is measured.
    if (workers > 1) return
    this.#add(name, 'null', 'legacy', `${gateway.url}/mcp/bench`, gateway.pid)
    this.#add(`${name} REST`, 'null', 'rest', `${gateway.url}/mcp/bench/tools/call`, gateway.pid)
    this.#add(`${name} REST`, 'sdk', 'rest', `${gateway.url}/mcp/notes/tools/call`, gateway.pid)
    const child = this.#contestant(name, 'sdk-stdio', 'legacy', `${gateway.url}/mcp/child`, gateway.pid)
    this.#contestants.push({ ...child, childrenAreUpstream: true })
  }

  #templates(none: string, sdk: string): GatewayOptions['templates'] {
    const [command, args] = sdkChild(this.#options.cores)
    return { bench: [{ endpoint: none }], notes: [{ endpoint: sdk }], child: [{ command, args }] }
  }

  #add(name: string, upstream: Upstream, dialect: Dialect, url: string, pid?: number): void {
    this.#contestants.push(this.#contestant(name, upstream, dialect, url, pid))
  }

  #contestant(name: string, upstream: Upstream, dialect: Dialect, url: string, pid?: number): Contestant {
    return { name, upstream, dialect, url, tool: TOOLS[upstream], pid, guest: false }
  }
}
