import { type AddressSet, addressSet } from '../addresses.js'
import { type Grant, grantOf, intersectGrants } from '../grant.js'
import type { IdentityState } from '../identity/state.js'
import { keyGrant, ownerName } from '../keys/key-rules.js'
import type { Principal, Scope } from '../principal.js'

/** A snapshot as plain JSON: for worker processes, and for a file that survives a restart (sign it: `Mac`). */
export interface AuthSnapshotData {
  readonly version: number
  readonly users: readonly UserFactsData[]
  readonly keys: readonly KeyFactsData[]
  /** Id of a revoked token, and when it expires in milliseconds since 1970. */
  readonly revokedTokens: readonly (readonly [string, number])[]
}

interface GrantData {
  readonly scopes: readonly Scope[]
  readonly templates?: readonly string[] | undefined
  readonly tools?: readonly string[] | undefined
}

interface UserFactsData extends GrantData {
  readonly name: string
  readonly epoch: number
  readonly disabled: boolean
}

interface KeyFactsData extends GrantData {
  readonly id: string
  readonly name: string
  readonly owner: string
  readonly cidrs?: readonly string[] | undefined
  readonly secrets: readonly SecretFacts[]
  readonly expiresAtMs?: number | undefined
  readonly revoked: boolean
}

/** A secret's hash, and until when it holds. */
export interface SecretFacts {
  readonly hash: string
  readonly pepper: string
  readonly expiresAtMs?: number | undefined
}

/** What is known of a user whose token comes in. */
export interface UserFacts {
  readonly epoch: number
  readonly disabled: boolean
  /** With all rights of the user. */
  readonly principal: Principal
}

/** What is known of a key that comes in. */
export interface KeyFacts {
  readonly secrets: readonly SecretFacts[]
  readonly expiresAtMs: number
  /** Revoked itself, or its owner is gone or disabled. */
  readonly ended: 'revoked' | 'disabled' | undefined
  /** Where it may come from; undefined: from anywhere. */
  readonly from: AddressSet | undefined
  readonly principal: Principal
}

/**
 * Everything that authentication needs to know, in memory and unchangeable: no request reads the database.
 * What is asked for is prepared once and then the same object each time.
 */
export class AuthSnapshot {
  readonly version: number
  readonly #users: ReadonlyMap<string, UserFactsData>
  readonly #keys: ReadonlyMap<string, KeyFactsData>
  readonly #revokedTokens: ReadonlyMap<string, number>
  readonly #preparedUsers = new Map<string, UserFacts>()
  readonly #preparedKeys = new Map<string, KeyFacts>()

  constructor(data: AuthSnapshotData) {
    this.version = data.version
    this.#users = new Map(data.users.map((user) => [user.name, user]))
    this.#keys = new Map(data.keys.map((key) => [key.id, key]))
    this.#revokedTokens = new Map(data.revokedTokens)
  }

  static of(state: IdentityState): AuthSnapshot {
    return new AuthSnapshot({
      version: state.version,
      users: [...state.users.values()].map(({ name, epoch, disabled, ...user }) => {
        const { scopes, templates, tools } = grantOf(user)
        return { name, epoch, disabled, scopes: [...scopes], templates, tools }
      }),
      keys: [...state.keys.values()].map((key) => ({
        id: key.id,
        name: key.name,
        owner: key.owner,
        scopes: key.scopes,
        templates: key.templates,
        tools: key.tools,
        cidrs: key.cidrs,
        secrets: key.secrets.map(({ hash, pepper, expiresAt }) => ({
          hash,
          pepper,
          expiresAtMs: expiresAt?.getTime(),
        })),
        expiresAtMs: key.expiresAt?.getTime(),
        revoked: key.revokedAt !== undefined,
      })),
      revokedTokens: [...state.revokedTokens].map(([id, expiresAt]) => [id, expiresAt.getTime()] as const),
    })
  }

  user(name: string): UserFacts | undefined {
    const prepared = this.#preparedUsers.get(name)
    if (prepared !== undefined) return prepared
    const data = this.#users.get(name)
    if (data === undefined) return undefined
    const { epoch, disabled } = data
    const facts = {
      epoch,
      disabled,
      principal: principalOf({ id: `user:${name}`, kind: 'user', name }, dataGrant(data)),
    }
    this.#preparedUsers.set(name, facts)
    return facts
  }

  key(id: string): KeyFacts | undefined {
    const prepared = this.#preparedKeys.get(id)
    if (prepared !== undefined) return prepared
    const data = this.#keys.get(id)
    if (data === undefined) return undefined
    const facts = this.#prepareKey(data)
    this.#preparedKeys.set(id, facts)
    return facts
  }

  isTokenRevoked(id: string): boolean {
    return this.#revokedTokens.has(id)
  }

  toJSON(): AuthSnapshotData {
    return {
      version: this.version,
      users: [...this.#users.values()],
      keys: [...this.#keys.values()],
      revokedTokens: [...this.#revokedTokens],
    }
  }

  #prepareKey(data: KeyFactsData): KeyFacts {
    const { id, name, owner, secrets, expiresAtMs = Number.POSITIVE_INFINITY, cidrs } = data
    const user = ownerName(owner)
    const own = keyGrant(data)
    const ownerData = user === undefined ? undefined : this.#users.get(user)
    const grant = ownerData === undefined ? own : intersectGrants(own, dataGrant(ownerData))
    const ownerEnded = user !== undefined && (ownerData === undefined || ownerData.disabled)
    return {
      secrets,
      expiresAtMs,
      ended: data.revoked ? 'revoked' : ownerEnded ? 'disabled' : undefined,
      from: cidrs === undefined ? undefined : addressSet(cidrs),
      principal: principalOf({ id: `key:${id}`, kind: 'key', name, owner }, grant),
    }
  }
}

function dataGrant({ scopes, templates, tools }: GrantData): Grant {
  return { scopes: new Set(scopes), templates, tools }
}

function principalOf(
  who: Pick<Principal, 'id' | 'kind' | 'name' | 'owner'>,
  { scopes, templates, tools }: Grant,
): Principal {
  return Object.freeze({ ...who, scopes, templates, tools })
}
