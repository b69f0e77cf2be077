import type { ServerIdentity } from '@mcp-platform/mcp-upstream'
import type { JsonObject } from './json-object.js'
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, META, MODERN_VERSION } from './versions.js'

/** The answer to `server/discover` for a server that only knows `initialize`. */
export function discoverResult(identity: ServerIdentity): JsonObject {
  const { tasks, ...capabilities }: Readonly<Record<string, unknown>> = identity.capabilities
  return {
    resultType: 'complete',
    supportedVersions: [MODERN_VERSION],
    capabilities,
    ...(identity.instructions === undefined ? {} : { instructions: identity.instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [META.serverInfo]: identity.serverInfo },
  }
}

/** The answer to `initialize` for a server that only knows `server/discover`. */
export function initializeResult(identity: ServerIdentity, requestedVersion: string): JsonObject {
  const { extensions, ...capabilities }: Readonly<Record<string, unknown>> = identity.capabilities
  return {
    protocolVersion: negotiate(requestedVersion),
    // A level is remembered for the session and sent along with each request.
    capabilities: { logging: {}, ...capabilities },
    serverInfo: identity.serverInfo,
    ...(identity.instructions === undefined ? {} : { instructions: identity.instructions }),
  }
}

/** The client's version if we have it, else our newest; the client leaves if it cannot (SPEC 2025-11-25 lifecycle). */
export function negotiate(requested: string): string {
  return LEGACY_VERSIONS.find((version) => version === requested) ?? LATEST_LEGACY_VERSION
}
