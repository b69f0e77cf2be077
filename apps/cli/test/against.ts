import { afterEach, beforeEach } from '@jest/globals'
import { type TempDir, tempDir } from '@mcp-platform/test-kit'
import { type Routes, startFakeGateway } from './fake-gateway.js'
import { mcpp, type Run, type RunOptions } from './mcpp.js'

/** A folder of its own for each test; import it where a test is defined, so that its hooks run. */
export let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

/** An instance as the gateway shows it. */
export const instance = {
  id: 'a',
  source: 'api',
  transport: 'http',
  endpoint: 'http://10.0.0.1/mcp',
  protocol: 'auto',
  weight: 2,
  metadata: {},
  state: 'active',
  healthy: true,
  status: 'healthy',
  score: 97,
  circuit: 'closed',
  in_flight: 1,
}
/** A registry with that instance. */
export const registry = {
  templates: { search: { instances: [instance], load_balancer: { strategy: 'round_robin' } } },
  stats: {},
}

/** For a command that talks to `url`, and to nothing of this machine. */
export function environment(url: string): RunOptions {
  return { env: { MCPP_URL: url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path } }
}

/** Runs one command against a fake gateway. */
export async function against(routes: Routes, args: readonly string[], options: RunOptions = {}) {
  await using gateway = await startFakeGateway(routes)
  const { env } = environment(gateway.url)
  const run: Run = await mcpp(args, { ...options, env: { ...env, ...options.env } })
  return { ...run, seen: gateway.seen }
}
