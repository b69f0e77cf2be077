import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, launch, waitFor } from '@mcp-platform/test-kit'
import { callOnce, type LoadTarget, openCrew } from '../load/client.ts'
import { pinned } from '../measure/pinning.ts'
import { stopFamily } from '../servers/family.ts'
import type { BenchServer } from '../servers/server.ts'
import type { Peer, PeerPlace } from './catalog.ts'

/** Where a peer is started. */
export interface PeerStart extends Omit<PeerPlace, 'port'> {
  /** Its package's folder. */
  readonly installed: string
  readonly core?: number | undefined
  /** In milliseconds. @default 30_000 */
  readonly readyTimeoutMs?: number | undefined
}

/**
 * Starts a peer, on the Node that runs this, and resolves when it has answered one call rightly.
 * @throws Error that says how far it came: it ended, or what its last answer was
 */
export async function startPeer(peer: Peer, start: PeerStart): Promise<BenchServer & { readonly pid: number }> {
  const port = await freePort()
  await mkdir(start.folder, { recursive: true })
  const own = [join(start.installed, peer.program), ...(await peer.prepare({ ...start, port }))]
  const [command, args] = pinned(start.core, process.execPath, own)
  const launched = await launch({ name: peer.name, command, args, cwd: start.folder, env: environment(start.folder) })
  const url = `http://127.0.0.1:${port}${peer.path}`
  const stop = (): Promise<void> => stopFamily(launched)
  const over = new AbortController()
  const ended = launched.exited.then(({ code, signal }) => Promise.reject(new Error(`it ended with ${signal ?? code}`)))
  try {
    const [dialect = 'legacy'] = Object.values(peer.scenes)
    const target = { url, dialect, tool: 'ping', toolName: peer.toolName } as const
    await Promise.race([answersRightly(target, over.signal, start.readyTimeoutMs), ended])
  } catch (error) {
    over.abort()
    await stop()
    throw new Error(`${reason(error)}; it said: ${lastWords(launched.output())}`, { cause: error })
  }
  // From here on it ends when it is stopped, which is no failure.
  ended.catch(() => undefined)
  return { url, pid: launched.pid, stop }
}

/** Asks until the answer is right, or until nobody wants to know any more. */
async function answersRightly(target: LoadTarget, over: AbortSignal, timeoutMs = 30_000): Promise<void> {
  let fault: string | undefined = 'no answer'
  const look = async (): Promise<boolean> => {
    fault = await tryOnce(target)
    return fault === undefined || over.aborted
  }
  try {
    await waitFor(look, { timeoutMs, pollMs: 200 })
  } catch (cause) {
    throw new Error(`it did not answer rightly within ${timeoutMs / 1_000} s: ${fault}`, { cause })
  }
}

async function tryOnce(target: LoadTarget): Promise<string | undefined> {
  try {
    const crew = await openCrew(target, 1)
    try {
      const [client] = crew.clients
      return client === undefined ? 'no client' : await callOnce(client)
    } finally {
      await crew.close()
    }
  } catch (error) {
    return reason(error)
  }
}

/** Whatever it wants to keep goes into its own folder. */
function environment(folder: string): Record<string, string> {
  const xdg = ['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [`XDG_${kind}_HOME`, folder] as const)
  return { HOME: folder, NODE_ENV: 'production', ...Object.fromEntries(xdg) }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function lastWords(output: string): string {
  return output.trim() === '' ? 'nothing' : output.trim().slice(-300)
}
