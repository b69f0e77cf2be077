import { join } from 'node:path'
import { tempDir } from '@mcp-platform/test-kit'
import { type Contestant, SERVERS, sdkChild, TOOLS } from '../contestants.ts'
import type { Dialect } from '../load/dialects.ts'
import { type Cores, pinned } from '../measure/pinning.ts'
import { startGateway } from '../servers/gateway.ts'
import { type BenchServer, startScript } from '../servers/server.ts'
import type { Peer } from './catalog.ts'
import { installPeer, PeerInstallError } from './install.ts'
import { SCENES, type Scene } from './scenes.ts'
import { startPeer } from './start.ts'

/** Somebody who should be in a comparison and is not. */
export interface Absentee {
  readonly name: string
  readonly why: string
}

/** A scene with everybody who takes part, the gateway among them. */
export interface SceneField {
  readonly scene: Scene
  readonly contestants: readonly Contestant[]
  readonly absent: readonly Absentee[]
}

/** Everything that takes part in a comparison with peers. Stop it after use: processes and the folder of the packages go. */
export interface PeerField {
  readonly scenes: readonly SceneField[]
  stop(): Promise<void>
}

/** What is started. */
export interface PeerFieldOptions {
  readonly cores: Cores
  readonly peers: readonly Peer[]
  readonly signal: AbortSignal
  /** Hears what is going on. */
  readonly onProgress: (line: string) => void
}

/** The name of our row in every scene. */
export const GATEWAY = 'gateway'

/**
 * Installs the peers into a folder of their own and starts them, the gateway and the upstreams. A peer that cannot be had is absent
 * with the reason.
 * @throws PeerInstallError if the registry cannot be reached for any of them: there is nobody to compare with
 */
export async function startPeerField(options: PeerFieldOptions): Promise<PeerField> {
  const builder = new PeerFieldBuilder(options)
  try {
    return await builder.build()
  } catch (error) {
    await builder.stop()
    throw error
  }
}

type Present = { readonly peer: Peer; readonly server: BenchServer }
type Missing = { readonly peer: Peer; readonly why: string }

class PeerFieldBuilder {
  readonly #options: PeerFieldOptions
  readonly #stops: (() => Promise<void>)[] = []

  constructor(options: PeerFieldOptions) {
    this.#options = options
  }

  async build(): Promise<PeerField> {
    const { cores, peers, onProgress } = this.#options
    const scratch = await tempDir('mcpp-bench-peers-')
    this.#stops.push(() => scratch.stop())
    onProgress(`installing ${peers.map(({ name, version }) => `${name}@${version}`).join(', ')}`)
    const installed = await this.#install(scratch.path)
    this.#options.signal.throwIfAborted()
    onProgress('starting upstreams, peers and the gateway')
    const upstream = await startScript('null upstream', join(SERVERS, 'null-upstream.ts'), ['0'], cores.upstream)
    this.#stops.push(upstream.stop)
    const child = pinned(cores.upstream, process.execPath, [join(SERVERS, 'null-child.ts')]).flat()
    const guests = await Promise.all(installed.map((found) => this.#start(found, scratch.path, child, upstream.url)))
    const gateway = await this.#startGateway(child, upstream.url)
    const scenes = SCENES.map((scene) => sceneField(scene, { guests, gateway, upstream, child, cores }))
    return { scenes, stop: () => this.stop() }
  }

  /** Last started, first stopped: nobody's upstream goes before them. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }

  async #install(scratch: string): Promise<readonly (Missing | { peer: Peer; folder: string })[]> {
    const { peers, signal } = this.#options
    const outcomes = await Promise.all(peers.map((peer) => install(peer, join(scratch, folderName(peer)), signal)))
    const faults = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
    const [first] = faults
    if (first !== undefined && faults.length === peers.length && faults.every(isUnreachable)) throw first
    return outcomes.map((outcome) =>
      'error' in outcome ? { peer: outcome.peer, why: outcome.error.message } : outcome,
    )
  }

  async #start(
    found: Missing | { peer: Peer; folder: string },
    scratch: string,
    child: readonly string[],
    endpoint: string,
  ): Promise<Present | Missing> {
    if ('why' in found) return found
    const { peer, folder: installed } = found
    const folder = join(scratch, `${folderName(peer)}-home`)
    try {
      const server = await startPeer(peer, { installed, folder, child, endpoint, core: this.#options.cores.target })
      this.#stops.push(server.stop)
      return { peer, server }
    } catch (error) {
      return { peer, why: `not started: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  async #startGateway([command = '', ...args]: readonly string[], endpoint: string): Promise<BenchServer> {
    const { cores } = this.#options
    const [program, programArgs] = sdkChild(cores)
    const gateway = await startGateway({
      workers: 1,
      core: cores.target,
      // What the peers speak to a server is legacy, so that is what the gateway speaks too.
      templates: {
        child: [{ command, args, protocol: 'legacy' }],
        bench: [{ endpoint, protocol: 'legacy' }],
        notes: [{ command: program, args: programArgs, protocol: 'legacy' }],
      },
    })
    this.#stops.push(gateway.stop)
    return gateway
  }
}

async function install(
  peer: Peer,
  folder: string,
  signal: AbortSignal,
): Promise<{ peer: Peer; folder: string } | { peer: Peer; error: PeerInstallError }> {
  try {
    return { peer, folder: await installPeer({ ...peer, folder, signal }) }
  } catch (error) {
    if (error instanceof PeerInstallError) return { peer, error }
    throw error
  }
}

function isUnreachable({ kind }: PeerInstallError): boolean {
  return kind === 'unreachable'
}

function folderName({ name }: Peer): string {
  return name.replace(/\W+/g, '-')
}

interface Cast {
  readonly guests: readonly (Present | Missing)[]
  readonly gateway: BenchServer
  readonly upstream: BenchServer
  readonly child: readonly string[]
  readonly cores: Cores
}

/** The gateway stands after the first peer, so that it is measured right before or after each. */
function sceneField(scene: Scene, cast: Cast): SceneField {
  const guests = cast.guests.filter(({ peer }) => peer.scenes[scene.name] !== undefined)
  const peers = guests.flatMap((guest) => ('server' in guest ? [peerContestant(scene, guest)] : []))
  const absent = guests.flatMap((guest) => ('why' in guest ? [{ name: label(guest.peer), why: guest.why }] : []))
  const direct = scene.direct === undefined ? [] : [directContestant(scene, scene.direct, cast)]
  const [first = [], rest = []] = [peers.slice(0, 1), peers.slice(1)]
  return { scene, contestants: [...direct, ...first, gatewayContestant(scene, cast), ...rest], absent }
}

function label({ name, version }: Peer): string {
  return `${name} ${version}`
}

function peerContestant(scene: Scene, { peer, server }: Present): Contestant {
  const dialect = peer.scenes[scene.name] ?? scene.dialect
  const { url, pid } = server
  return { ...base(scene, label(peer), dialect, url), toolName: peer.toolName, pid, childrenAreUpstream: true }
}

function gatewayContestant(scene: Scene, { gateway: { url, pid } }: Cast): Contestant {
  return { ...base(scene, GATEWAY, scene.dialect, `${url}${scene.path}`), pid, childrenAreUpstream: true }
}

function directContestant(scene: Scene, dialect: Dialect, { upstream, child, cores }: Cast): Contestant {
  if (dialect !== 'stdio') return base(scene, 'direct', dialect, upstream.url)
  const program = scene.upstream === 'sdk-stdio' ? sdkChild(cores).flat() : child
  return { ...base(scene, 'direct', dialect, 'stdio:'), child: program }
}

function base({ upstream }: Scene, name: string, dialect: Dialect, url: string): Contestant {
  return { name, upstream, dialect, url, tool: TOOLS[upstream], guest: false }
}
