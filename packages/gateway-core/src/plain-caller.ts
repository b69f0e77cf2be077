import type { Principal } from '@mcp-platform/auth'
import type { ClientInfo, PlainCaller } from '@mcp-platform/mcp-bridge'

/** How the gateway introduces itself to servers when it asks for itself or for a REST caller. */
export const GATEWAY_CLIENT: ClientInfo = { name: 'mcp-platform-gateway', version: '0.1.0' }

/** Who the aggregate over all templates says it is. */
export const AGGREGATE_SERVER = { name: 'mcp-platform', version: '0.1.0' } as const

/** A caller without capabilities, in the principal's own authorization context. */
export function plainCaller(principal: Principal, logLevel?: string): PlainCaller {
  return { era: 'none', context: principal.id, clientInfo: GATEWAY_CLIENT, logLevel }
}
