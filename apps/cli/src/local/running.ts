import { discoverLocalGateway, GatewayClient, GatewayClientError, type LocalGateway } from '@mcp-platform/client'
import type { RegistryView } from '@mcp-platform/contract'
import { isAlive, startTime } from './process-info.js'

/** How exact start times are. */
const CLOCK_SLACK_MS = 5_000
const HEALTH_TIMEOUT_MS = 2_000

/** The gateway that runs on a state folder; undefined when there is none (a state file may be left of a dead one). */
export async function findRunning(stateDir: string): Promise<LocalGateway | undefined> {
  const local = await discoverLocalGateway({ stateDir })
  if (local === undefined || !(await isAlive(local.pid))) return undefined
  return (await isSameProcess(local)) ? local : undefined
}

/** True when the gateway answers that it serves. */
export async function answers(local: LocalGateway): Promise<boolean> {
  await using client = new GatewayClient({ baseUrl: local.url, managementUrl: local.managementUrl, maxRetries: 0 })
  try {
    await client.gatewayHealth({ timeoutMs: HEALTH_TIMEOUT_MS })
    return true
  } catch (error) {
    if (error instanceof GatewayClientError) return false
    throw error
  }
}

/** What a gateway of this machine holds; undefined when it does not say. */
export async function registryOf(local: LocalGateway): Promise<RegistryView | undefined> {
  const { url, managementUrl, adminToken } = local
  await using client = new GatewayClient({ baseUrl: url, managementUrl, authToken: adminToken, maxRetries: 0 })
  try {
    return await client.registry({ timeoutMs: HEALTH_TIMEOUT_MS })
  } catch (error) {
    if (error instanceof GatewayClientError) return undefined
    throw error
  }
}

// A pid alone is given out again, but only after the gateway has ended: to a process that started later.
async function isSameProcess({ pid, startedAt }: LocalGateway): Promise<boolean> {
  const started = await startTime(pid)
  return started === undefined || started.getTime() <= startedAt.getTime() + CLOCK_SLACK_MS
}
