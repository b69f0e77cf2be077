import type { Role, Scope } from '../principal.js'

/** One secret of a key, as it is kept. While a key is rotated it has two. */
export interface KeySecret {
  /** HMAC-SHA-256 of the secret under the pepper, base64url. */
  readonly hash: string
  /** Which master key the pepper comes from. */
  readonly pepper: string
  readonly createdAt: Date
  /** End of the overlap; absent for the newest secret. */
  readonly expiresAt?: Date | undefined
}

/** An API key, without its secret. */
export interface ApiKey {
  readonly id: string
  /** What its owner calls it. */
  readonly name: string
  /** Id of the principal that answers for it (`user:anna`). A key never has more rights than a user who owns it. */
  readonly owner: string
  /** The role it was made with, for people to read; `scopes` is what counts. */
  readonly role?: Role | undefined
  readonly scopes: readonly Scope[]
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  /** Networks it may be used from; absent: all; empty: none. */
  readonly cidrs?: readonly string[] | undefined
  /** Newest first, at most two. */
  readonly secrets: readonly KeySecret[]
  readonly createdAt: Date
  /** Absent: never. */
  readonly expiresAt?: Date | undefined
  readonly revokedAt?: Date | undefined
}

/** An API key as its owner may see it. */
export interface ApiKeyView extends Omit<ApiKey, 'secrets'> {
  /** Until when the secret before the newest one is still taken. */
  readonly overlapUntil?: Date | undefined
  /** To about five minutes. */
  readonly lastUsedAt?: Date | undefined
}

/** A key without its secrets; built field by field. */
export function viewOf(key: ApiKey, lastUsedAt?: Date): ApiKeyView {
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    role: key.role,
    scopes: key.scopes,
    templates: key.templates,
    tools: key.tools,
    cidrs: key.cidrs,
    createdAt: key.createdAt,
    expiresAt: key.expiresAt,
    revokedAt: key.revokedAt,
    overlapUntil: key.secrets[1]?.expiresAt,
    lastUsedAt,
  }
}
