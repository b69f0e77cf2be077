import { type GatewayClient, GatewayError, NotAllowedError, NotAuthenticatedError } from '@mcp-platform/client'
import type { GatewayReport } from '@mcp-platform/contract'
import { printable } from '../output/printable.js'
import type { Finding, RunningGateway } from './finding.js'

/** Time for one question to the gateway, in milliseconds: a doctor must not wait on the patient. */
export const ASK: { readonly timeoutMs: number } = { timeoutMs: 5_000 }

/** Asks a gateway how it is. Never throws for what is wrong with it; takes two questions' time at most. */
export async function askRunning(client: GatewayClient): Promise<RunningGateway> {
  try {
    const health = await client.gatewayHealth(ASK)
    return { health, ...(await reportOf(client)) }
  } catch (error) {
    return { state: 'silent', reason: reasonOf(error) }
  }
}

/** What is told of a gateway that does not say something. */
export function withheldFinding(check: string, what: string, error: unknown, scope: string): Finding {
  const refused = error instanceof NotAuthenticatedError || error instanceof NotAllowedError
  const fix = refused ? `mcpp gateway login USER (${scope} is needed)` : 'mcpp gateway logs'
  return { check, level: refused ? 'warning' : 'error', message: `${what}: ${printable(reasonOf(error))}`, fix }
}

type Reported = { state: 'serves'; withheld: Finding } | { state: 'reports'; report: GatewayReport }

async function reportOf(client: GatewayClient): Promise<Reported> {
  try {
    return { state: 'reports', report: await client.report(ASK) }
  } catch (error) {
    const isOld = error instanceof GatewayError && error.code === 'ROUTE_NOT_FOUND'
    const withheld = isOld ? tooOld() : withheldFinding('gateway', 'it does not say how it is', error, 'metrics:read')
    return { state: 'serves', withheld }
  }
}

function tooOld(): Finding {
  const message = 'this version of the gateway does not say how it is; its settings are judged instead'
  return {
    check: 'gateway',
    level: 'warning',
    message,
    fix: 'install the version of this mcpp, then: mcpp gateway restart',
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
