/*
 * The npm packages that do a part of what the gateway does, and how each is started. Versions are exact: a newer one of a peer is a
 * change of this page. Each gets the options that make it fastest without taking a feature away.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dialect } from '../load/dialects.ts'
import type { SceneName } from './scenes.ts'

/** Where a peer is put and what stands behind it. */
export interface PeerPlace {
  readonly port: number
  /** A folder of its own, for configuration and whatever it writes. */
  readonly folder: string
  /** The null stdio child: a program and its arguments. */
  readonly child: readonly string[]
  /** The null upstream over HTTP. */
  readonly endpoint: string
}

/** A product that takes part. */
export interface Peer {
  /** Of the package on npm. */
  readonly name: string
  /** Exact. */
  readonly version: string
  /** The program, as a path inside the package. */
  readonly program: string
  /** What it takes part in, and how it is spoken to there. */
  readonly scenes: Readonly<Partial<Record<SceneName, Dialect>>>
  /** Path of its endpoint. */
  readonly path: string
  /** What it calls the tool `ping` of the server `bench`. @default ping */
  readonly toolName?: string | undefined
  /** Writes what it needs, and answers its arguments. */
  prepare(place: PeerPlace): Promise<readonly string[]>
}

const mcpProxy: Peer = {
  name: 'mcp-proxy',
  version: '6.7.19',
  program: 'dist/bin/mcp-proxy.mjs',
  scenes: { 'stdio-legacy': 'legacy', 'stdio-modern': 'modern' },
  path: '/mcp',
  prepare: async ({ port, child }) => [
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--server',
    'stream',
    '--',
    ...child,
  ],
}

/** Without `--stateful` it starts a child for every request. */
const supergateway: Peer = {
  name: 'supergateway',
  version: '4.0.0',
  program: 'dist/index.js',
  scenes: { 'stdio-legacy': 'legacy', 'stdio-modern': 'modern' },
  path: '/mcp',
  prepare: async ({ port, child }) => {
    const flags = ['--outputTransport', 'streamableHttp', '--stateful', '--port', String(port), '--logLevel', 'none']
    return ['--stdio', child.map((part) => `'${part}'`).join(' '), ...flags]
  },
}

const mcpHub: Peer = {
  name: 'mcp-hub',
  version: '4.2.1',
  program: 'dist/cli.js',
  scenes: { rest: 'mcp-hub' },
  path: '/api/servers/tools',
  prepare: async ({ port, folder, endpoint }) => [
    '--port',
    String(port),
    '--config',
    await serversFile(folder, endpoint),
  ],
}

const oneMcp: Peer = {
  name: '@1mcp/agent',
  version: '0.29.1',
  program: 'build/index.js',
  scenes: { 'http-legacy': 'legacy' },
  path: '/mcp',
  toolName: 'bench_1mcp_ping',
  prepare: async ({ port, folder, endpoint }) => {
    const config = await serversFile(folder, endpoint)
    return ['serve', '--host', '127.0.0.1', '--port', String(port), '--config', config, '--log-level', 'error']
  },
}

/** Everybody who takes part, in the order of the report. */
export const PEERS: readonly Peer[] = [mcpProxy, supergateway, oneMcp, mcpHub]

async function serversFile(folder: string, endpoint: string): Promise<string> {
  const file = join(folder, 'servers.json')
  await writeFile(file, JSON.stringify({ mcpServers: { bench: { type: 'http', url: endpoint } } }))
  return file
}
