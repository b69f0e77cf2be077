import type { IncomingMessage } from 'node:http'
import { challengeText, resourceMetadataUrl, type Scope } from '@mcp-platform/auth'
import type { Settings } from '../config/settings.js'

const NATIVE = /^\/mcp(?:\/([a-z0-9][a-z0-9._-]{0,31}))?(?=[/?]|$)/
const MCP_SCOPES: readonly Scope[] = ['tools:read', 'tools:call', 'resources:read', 'prompts:read']

/** What a `WWW-Authenticate` header is made from. */
export type ChallengeSettings = Pick<Settings, 'publicUrl' | 'tlsCert' | 'behindProxy'>

/** Tells callers how to do better: `WWW-Authenticate` with the metadata of the resource they asked for (RFC 6750, RFC 9728). */
export class Challenges {
  readonly #settings: ChallengeSettings

  constructor(settings: ChallengeSettings) {
    this.#settings = settings
  }

  /** No credential was sent. */
  missing(request: IncomingMessage, scopes?: readonly Scope[]): string {
    return this.#text(request, { scopes: scopes ?? (NATIVE.test(request.url ?? '') ? MCP_SCOPES : undefined) })
  }

  /** The credential is not valid. */
  invalid(request: IncomingMessage): string {
    return this.#text(request, { error: 'invalid_token' })
  }

  /** The credential is good and its rights are too small. */
  insufficient(request: IncomingMessage, scope: Scope): string {
    return this.#text(request, { error: 'insufficient_scope', scopes: [scope] })
  }

  /** By which URL this caller reaches the gateway. Its `Host` was checked before. */
  origin(request: IncomingMessage): string {
    const { publicUrl, tlsCert, behindProxy } = this.#settings
    if (publicUrl !== undefined) return publicUrl
    const scheme = tlsCert !== undefined || behindProxy ? 'https' : 'http'
    return `${scheme}://${request.headers.host ?? 'localhost'}`
  }

  /** The protected resource that a request is for: a native endpoint, or the gateway. */
  resource(request: IncomingMessage): string {
    const path = NATIVE.exec(request.url ?? '')?.[0] ?? ''
    return this.origin(request) + path
  }

  #text(request: IncomingMessage, what: Pick<Parameters<typeof challengeText>[0], 'error' | 'scopes'>): string {
    const resource = this.resource(request)
    // A Host that cannot be part of a URL gets a challenge without one.
    return challengeText({
      ...what,
      resourceMetadata: URL.canParse(resource) ? resourceMetadataUrl(resource) : undefined,
    })
  }
}
