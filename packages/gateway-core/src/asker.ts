import { createHash } from 'node:crypto'
import type { Principal } from '@mcp-platform/auth'
import { type JsonObject, type ListKey, META, MODERN_VERSION, type ModernCaller } from '@mcp-platform/mcp-bridge'
import type { GatewayCall } from './call.js'
import { GATEWAY_CLIENT } from './plain-caller.js'

/** In whose name a list is fetched: all that a server can list by. */
export interface Asker {
  readonly principal: Principal
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject | undefined
}

/** A list, in whose name it is fetched, and for which call first. */
export interface AskedKey extends ListKey {
  readonly asker: Asker
  readonly origin?: GatewayCall | undefined
}

const MAX_PLAIN_CONTEXT = 256

/** A caller without capabilities: REST. */
export function plainAsker(principal: Principal): Asker {
  return { principal, capabilities: {}, clientInfo: GATEWAY_CLIENT }
}

/** The asker behind a call, whatever era it speaks. */
export function askerOf({ principal, caller }: GatewayCall): Asker {
  switch (caller.era) {
    case 'none':
      return { principal, capabilities: {}, clientInfo: caller.clientInfo }
    case 'modern':
      return { principal, capabilities: caller.capabilities, clientInfo: caller.clientInfo }
    case 'legacy': {
      const { capabilities, clientInfo } = caller.session.hello
      return { principal, capabilities, clientInfo }
    }
  }
}

/**
 * What sets lists of one template apart: servers show other tools to other users, and to clients with other capabilities.
 * Short ones stay readable, long ones are hashed.
 */
export function contextOf({ principal, capabilities, clientInfo }: Asker): string {
  const whole = JSON.stringify([principal.id, capabilities, clientInfo])
  return whole.length <= MAX_PLAIN_CONTEXT ? whole : createHash('sha256').update(whole).digest('base64url')
}

/** Lists are always asked for as a client of 2026: only such a one is told how long it may keep them. */
export function callerOf({ principal, capabilities, clientInfo }: Asker): ModernCaller {
  return {
    era: 'modern',
    context: principal.id,
    protocolVersion: MODERN_VERSION,
    capabilities,
    clientInfo,
    logLevel: undefined,
  }
}

/** The request envelope of the same. */
export function envelopeOf({ capabilities, clientInfo }: Asker): Record<string, unknown> {
  return {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: capabilities,
    ...(clientInfo === undefined ? {} : { [META.clientInfo]: clientInfo }),
  }
}
