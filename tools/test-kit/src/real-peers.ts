import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PeerStartError } from './errors.js'
import { type Launched, launch } from './launch.js'
import { type Stoppable, stoppable } from './lifecycle.js'
import { freePort } from './ports.js'

/** The command of a real MCP server that speaks on its standard streams. */
export interface StdioPeer {
  readonly command: string
  readonly args: readonly string[]
  /** What it needs on top of a small base environment. */
  readonly env: Readonly<Record<string, string>>
}

/** A running server-everything. */
export interface EverythingServer extends Stoppable {
  /** Its MCP endpoint: `/mcp` or, for the old transport, `/sse`. */
  readonly url: string
  readonly port: number
  /** Of the process that runs now. */
  readonly pid: number
  /** SIGKILL; the port then refuses. */
  kill9(): Promise<void>
  /** Starts it again on the same port, ending the present process first if it still lives. */
  restart(): Promise<void>
}

/** Options of {@link startEverything}. */
export interface EverythingOptions {
  readonly transport: 'streamableHttp' | 'sse'
  /** @default a free one */
  readonly port?: number | undefined
}

const ATTEMPTS = 3

/** Starts `@modelcontextprotocol/server-everything` over HTTP and resolves when it listens. */
export async function startEverything(options: EverythingOptions): Promise<EverythingServer> {
  let { process: current, port } = await launchOnFreePort(options)
  const kill9 = (): Promise<void> => current.kill9()
  const restart = async (): Promise<void> => {
    await current.stop()
    current = await launchEverything(options.transport, port)
  }
  return {
    url: `http://127.0.0.1:${port}${options.transport === 'sse' ? '/sse' : '/mcp'}`,
    port,
    get pid() {
      return current.pid
    },
    kill9,
    restart,
    ...stoppable(() => current.stop()),
  }
}

/** server-everything as a command to register. */
export function everythingStdio(): StdioPeer {
  return nodePeer(peerEntry('server-everything'), 'stdio')
}

/** server-filesystem as a command to register, allowed to see `dir` only. */
export function filesystemStdio(dir: string): StdioPeer {
  return nodePeer(peerEntry('server-filesystem'), dir)
}

/** server-memory as a command to register, keeping its graph in `file`. */
export function memoryStdio(file: string): StdioPeer {
  return { ...nodePeer(peerEntry('server-memory')), env: { MEMORY_FILE_PATH: file } }
}

function nodePeer(...args: readonly string[]): StdioPeer {
  return { command: process.execPath, args, env: {} }
}

/** The peers export nothing, so their entry is found by their manifest. */
function peerEntry(name: string): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist', 'index.js')
}

async function launchOnFreePort(options: EverythingOptions): Promise<{ process: Launched; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort())
    try {
      return { process: await launchEverything(options.transport, port), port }
    } catch (error) {
      if (options.port !== undefined || attempt === ATTEMPTS || !lostRaceForPort(error)) throw error
    }
  }
}

function lostRaceForPort(error: unknown): boolean {
  return error instanceof PeerStartError && error.output.includes('already in use')
}

function launchEverything(transport: EverythingOptions['transport'], port: number): Promise<Launched> {
  return launch({
    name: `server-everything ${transport}`,
    command: process.execPath,
    args: [peerEntry('server-everything'), transport],
    env: { PORT: String(port) },
    isReady: (line) => line.includes(`on port ${port}`),
  })
}
