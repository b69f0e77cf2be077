import { type AuditDetails, auditEvent } from '../audit/event.js'
import { AuthForbiddenError, AuthInvalidError } from '../errors.js'
import { grantOf } from '../grant.js'
import { type Actor, requireCovers } from '../identity/actor.js'
import type { Decided, Directory } from '../identity/directory.js'
import type { IdentityState } from '../identity/state.js'
import { requireUser } from '../identity/user-rules.js'
import { validate } from '../identity/validation.js'
import type { Role, Scope } from '../principal.js'
import { roleScopes } from '../roles.js'
import { type ApiKey, type ApiKeyView, type KeySecret, viewOf } from './api-key.js'
import { formatApiKey, mintKeyId, mintSecret, type RandomBytes } from './key-format.js'
import type { KeyHasher } from './key-hasher.js'
import { keyGrant, maySee, ownerName, planOwner, requireKey, requireMayHold } from './key-rules.js'

const DAY_MS = 24 * 3600 * 1000

/** Life of a key whose maker says nothing. */
export const DEFAULT_KEY_LIFETIME_MS: number = 90 * DAY_MS
/** The longest life that may be asked for; beyond it there is `never`, for keys:admin. */
export const MAX_KEY_LIFETIME_MS: number = 365 * DAY_MS
/** How long the old secret holds after a rotation. */
export const DEFAULT_OVERLAP_MS: number = DAY_MS
const MAX_OVERLAP_MS = 7 * DAY_MS

/** A key to be made. Role or scopes: one of them. */
export interface NewApiKey {
  readonly name: string
  readonly role?: Role | undefined
  readonly scopes?: readonly Scope[] | undefined
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
  readonly cidrs?: readonly string[] | undefined
  /** Milliseconds, up to 365 days, or `never`, which takes keys:admin. @default 90 days */
  readonly lifetimeMs?: number | 'never' | undefined
  /** Name of the user it is for. @default the actor */
  readonly owner?: string | undefined
}

/** A key and the text to use it with. The text is shown now and never again. */
export interface IssuedApiKey {
  readonly key: ApiKeyView
  readonly text: string
}

/** Options of {@link ApiKeys}. */
export interface ApiKeysOptions {
  readonly directory: Directory
  readonly hasher: KeyHasher
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  readonly random?: RandomBytes | undefined
}

/** Makes, rotates and revokes API keys. Every change writes an audit record in its transaction. */
export class ApiKeys {
  readonly #directory: Directory
  readonly #hasher: KeyHasher
  readonly #now: () => number
  readonly #random: RandomBytes | undefined

  constructor(options: ApiKeysOptions) {
    this.#directory = options.directory
    this.#hasher = options.hasher
    this.#now = options.now ?? Date.now
    this.#random = options.random
  }

  /** The actor's keys, or everybody's for keys:admin, newest first. */
  async list(actor: Actor): Promise<readonly ApiKeyView[]> {
    const uses = await this.#directory.store.lastUses()
    const keys = [...this.#directory.state.keys.values()].filter((key) => maySee(actor.principal, key))
    return keys
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
      .map((key) => viewOf(key, uses.get(key.id)))
  }

  /** @throws AuthInvalidError, AuthForbiddenError (never more rights than the actor and the owner have), UserNotFoundError */
  async create(wanted: NewApiKey, actor: Actor): Promise<IssuedApiKey> {
    validate(wanted, grantFaults(wanted))
    const secret = mintSecret(this.#random)
    const id = mintKeyId(this.#random)
    const key = await this.#directory.change((state) => this.#planCreate(state, wanted, actor, { id, secret }))
    return { key: viewOf(key), text: formatApiKey({ id, secret }) }
  }

  /**
   * A new secret for a key. The one before holds for `overlapMs` more, any older one ends now; the key lives as long again
   * as it was made for.
   * @throws KeyNotFoundError, AuthForbiddenError
   */
  async rotate(
    id: string,
    actor: Actor,
    options: { /** 0 to 7 days. @default 24 h */ readonly overlapMs?: number | undefined } = {},
  ): Promise<IssuedApiKey> {
    const overlapMs = options.overlapMs ?? DEFAULT_OVERLAP_MS
    if (!(overlapMs >= 0 && overlapMs <= MAX_OVERLAP_MS)) {
      throw new AuthInvalidError([{ path: 'overlapMs', message: 'from 0 to 7 days' }])
    }
    const secret = mintSecret(this.#random)
    const key = await this.#directory.change((state) => this.#planRotate(state, id, actor, { secret, overlapMs }))
    return { key: viewOf(key), text: formatApiKey({ id, secret }) }
  }

  /** Ends a key for good. Does nothing if it is revoked already. @throws KeyNotFoundError */
  async revoke(id: string, actor: Actor): Promise<void> {
    await this.#directory.change((state) => {
      const key = requireKey(state, id, actor)
      const revoked: ApiKey = { ...key, revokedAt: new Date(this.#now()) }
      const audit = this.#audit('key.revoke', actor, key, {})
      return { changes: key.revokedAt === undefined ? [{ op: 'put-key', key: revoked }] : [], audit, result: undefined }
    })
  }

  /** Hashes a secret under the current pepper while it is at hand; `KeyUse` does this for keys that were used. */
  async replaceSecretHash(id: string, from: string, to: Pick<KeySecret, 'hash' | 'pepper'>, by: Actor): Promise<void> {
    await this.#directory.change((state) => {
      const key = requireKey(state, id, by)
      const secrets = key.secrets.map((secret) => (secret.hash === from ? { ...secret, ...to } : secret))
      const isKnown = key.secrets.some((secret) => secret.hash === from)
      const audit = this.#audit('key.rehash', by, key, {})
      return { changes: isKnown ? [{ op: 'put-key', key: { ...key, secrets } }] : [], audit, result: undefined }
    })
  }

  #planCreate(
    state: IdentityState,
    wanted: NewApiKey,
    actor: Actor,
    { id, secret }: { id: string; secret: string },
  ): Decided<ApiKey> {
    const owner = planOwner(state, wanted.owner, actor)
    const { name, role, templates, tools, cidrs } = wanted
    const scopes = wanted.scopes ?? [...roleScopes[role ?? 'user']]
    const grant = keyGrant({ scopes, templates, tools })
    requireCovers(actor, grant, `make the API key ${name}`)
    requireOwnerCovers(state, owner, grant)
    const createdAt = new Date(this.#now())
    const expiresAt = expiryOf(wanted.lifetimeMs ?? DEFAULT_KEY_LIFETIME_MS, actor, createdAt)
    const secrets = [{ ...this.#hasher.hash(secret), createdAt }]
    const key: ApiKey = { id, name, owner, role, scopes, templates, tools, cidrs, secrets, createdAt, expiresAt }
    const details = { name, owner, scopes: [...scopes], expiresAt: expiresAt?.toISOString() ?? null }
    return { changes: [{ op: 'put-key', key }], audit: this.#audit('key.create', actor, key, details), result: key }
  }

  #planRotate(
    state: IdentityState,
    id: string,
    actor: Actor,
    { secret, overlapMs }: { secret: string; overlapMs: number },
  ): Decided<ApiKey> {
    const key = requireKey(state, id, actor)
    const now = this.#now()
    if (key.revokedAt !== undefined || (key.expiresAt !== undefined && key.expiresAt.getTime() <= now)) {
      throw new AuthForbiddenError('the API key has ended; make a new one')
    }
    requireMayHold(state, key, actor)
    const [before] = key.secrets
    const ending = before === undefined || overlapMs === 0 ? [] : [{ ...before, expiresAt: new Date(now + overlapMs) }]
    const secrets = [{ ...this.#hasher.hash(secret), createdAt: new Date(now) }, ...ending]
    const rotated: ApiKey = { ...key, secrets, expiresAt: renewed(key, before, now) }
    const details = { overlapMs, expiresAt: rotated.expiresAt?.toISOString() ?? null }
    const audit = this.#audit('key.rotate', actor, key, details)
    return { changes: [{ op: 'put-key', key: rotated }], audit, result: rotated }
  }

  #audit(action: string, actor: Actor, key: ApiKey, details: AuditDetails): ReturnType<typeof auditEvent> {
    const { principal, requestId, address } = actor
    const at = new Date(this.#now())
    return auditEvent({ at, actor: principal.id, action, target: `key:${key.id}`, requestId, address, details })
  }
}

function grantFaults(wanted: NewApiKey): { path: string; message: string }[] {
  const faults: { path: string; message: string }[] = []
  if ((wanted.role === undefined) === (wanted.scopes === undefined)) {
    faults.push({ path: 'scopes', message: 'give a role or scopes, one of them' })
  }
  const { lifetimeMs } = wanted
  if (typeof lifetimeMs === 'number' && !(lifetimeMs > 0 && lifetimeMs <= MAX_KEY_LIFETIME_MS)) {
    faults.push({ path: 'lifetimeMs', message: 'more than 0 and at most 365 days, or never' })
  }
  return faults
}

function requireOwnerCovers(state: IdentityState, owner: string, grant: ReturnType<typeof keyGrant>): void {
  const name = ownerName(owner)
  if (name === undefined) return
  const user = requireUser(state, name)
  const principal = { id: owner, kind: 'user', name, ...grantOf(user) } as const
  requireCovers({ principal }, grant, 'own such an API key')
}

function expiryOf(lifetimeMs: number | 'never', actor: Actor, createdAt: Date): Date | undefined {
  if (lifetimeMs !== 'never') return new Date(createdAt.getTime() + lifetimeMs)
  if (actor.principal.scopes.has('keys:admin')) return undefined
  throw new AuthForbiddenError(`${actor.principal.name} may not make API keys that never expire: it needs keys:admin`)
}

function renewed(key: ApiKey, newest: KeySecret | undefined, now: number): Date | undefined {
  if (key.expiresAt === undefined) return undefined
  const lifetime = key.expiresAt.getTime() - (newest?.createdAt ?? key.createdAt).getTime()
  return new Date(now + Math.min(lifetime, MAX_KEY_LIFETIME_MS))
}
