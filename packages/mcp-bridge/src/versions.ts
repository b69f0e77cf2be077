/** The stateless protocol revision (SPEC 2026-07-28). */
export const MODERN_VERSION = '2026-07-28'

/** Revisions opened by `initialize`, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const

export const LATEST_LEGACY_VERSION: (typeof LEGACY_VERSIONS)[number] = LEGACY_VERSIONS[0]

/** Envelope keys of a modern request's `params._meta` (SPEC 2026-07-28 basic/index). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const
