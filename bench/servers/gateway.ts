import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, launch, tempDir, waitFor } from '@mcp-platform/test-kit'
import { pinned } from '../measure/pinning.ts'
import type { BenchServer } from './server.ts'

const CLI = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'bin', 'run.js')

/** A server behind the gateway, as a registry file has it. */
export type BenchInstance = { readonly protocol?: 'legacy' | undefined } & (
  | { readonly endpoint: string }
  | { readonly command: string; readonly args: readonly string[] }
)

/** How the gateway is started. */
export interface GatewayOptions {
  readonly workers: number
  /** Upstreams by the template that each is put behind. */
  readonly templates: Readonly<Record<string, readonly BenchInstance[]>>
  readonly core?: number | undefined
}

/** Starts our gateway with a fresh state folder, and resolves when every instance is healthy. */
export async function startGateway({ workers, templates, core }: GatewayOptions): Promise<BenchServer> {
  const folder = await tempDir('mcpp-bench-gateway-')
  const registryFile = join(folder.path, 'registry.json')
  await mkdir(join(folder.path, 'state'), { mode: 0o700 })
  await writeFile(registryFile, JSON.stringify({ templates: registry(templates) }), { mode: 0o600 })
  const port = await freePort()
  const flags = [
    '--port',
    String(port),
    '--registry-file',
    registryFile,
    '--workers',
    String(workers),
    '--log-level',
    'warn',
  ]
  const [command, args] = pinned(core, process.execPath, [CLI, 'gateway', 'start', ...flags])
  const env = { MCPP_STATE_DIR: join(folder.path, 'state') }
  const launched = await launch({ name: 'gateway', command, args, env, graceMs: 10_000 })
  const url = `http://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    await launched.stop()
    await folder.stop()
  }
  const ended = launched.exited.then(() => Promise.reject(new Error('it ended')))
  try {
    for (const template of Object.keys(templates)) await Promise.race([healthy(url, template), ended])
  } catch (error) {
    await stop()
    throw new Error(`the gateway did not become ready: ${launched.output()}`, { cause: error })
  }
  // From here on it ends when it is stopped, which is no failure.
  ended.catch(() => undefined)
  return { url, pid: launched.pid, stop }
}

function registry(templates: GatewayOptions['templates']): Record<string, object> {
  return Object.fromEntries(
    Object.entries(templates).map(([name, instances]) => [
      name,
      { instances: instances.map((instance, index) => ({ id: `${name}-${index + 1}`, ...instance })) },
    ]),
  )
}

async function healthy(url: string, template: string): Promise<void> {
  const look = async (): Promise<boolean> => {
    const response = await fetch(`${url}/mcp/${template}/health`, { signal: AbortSignal.timeout(2_000) })
    const { healthy_instances: fit, total_instances: all } = Object(await response.json())
    return all > 0 && fit === all
  }
  await waitFor(look, { timeoutMs: 20_000, pollMs: 100, what: `template ${template} was not healthy` })
}
