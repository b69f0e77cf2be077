import type { ApiKey, KeySecret, Role, User } from '@mcp-platform/auth'
import type { Insertable, Selectable } from 'kysely'
import { StoreCorruptError } from '../errors.js'
import type { ApiKeysTable, UsersTable } from './tables.js'

const ROLES: readonly string[] = ['admin', 'operator', 'user', 'auditor'] satisfies readonly Role[]

/** A user's row without the hash of its password. */
export function userRow(user: User, v: number): Omit<Insertable<UsersTable>, 'password_hash'> {
  const { name, role, scopes, templates, tools, disabled, epoch, createdAt, updatedAt } = user
  return {
    name,
    role,
    grants: JSON.stringify({ scopes, templates, tools }),
    state: disabled ? 'disabled' : 'active',
    epoch,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
    v,
  }
}

/** @throws StoreCorruptError */
export function toUser(row: Selectable<UsersTable>): User {
  const place = `users/${row.name}`
  const { scopes, templates, tools } = parse(row.grants, place)
  if (!isRole(row.role)) throw corrupt(place, `unknown role ${JSON.stringify(row.role)}`)
  return {
    name: row.name,
    role: row.role,
    scopes,
    templates,
    tools,
    // Anything but active is not: a state that a later version knows must not let anybody in here.
    disabled: row.state !== 'active',
    epoch: Number(row.epoch),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  }
}

/** A key's row without its last use. */
export function keyRow(key: ApiKey, v: number): Omit<Insertable<ApiKeysTable>, 'last_used_at'> {
  const { id, name, owner, role, scopes, templates, tools, cidrs, secrets, createdAt, expiresAt, revokedAt } = key
  return {
    id,
    name,
    owner,
    grants: JSON.stringify({ role, scopes, templates, tools, cidrs }),
    secrets: JSON.stringify(secrets),
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    revoked_at: revokedAt?.toISOString() ?? null,
    v,
  }
}

/** @throws StoreCorruptError */
export function toKey(row: Selectable<ApiKeysTable>): ApiKey {
  const place = `api_keys/${row.id}`
  const { role, scopes, templates, tools, cidrs } = parse(row.grants, place)
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    role,
    scopes,
    templates,
    tools,
    cidrs,
    secrets: parse(row.secrets, place).map(toSecret),
    createdAt: new Date(row.created_at),
    expiresAt: instant(row.expires_at),
    revokedAt: instant(row.revoked_at),
  }
}

function toSecret(secret: Record<keyof KeySecret, string>): KeySecret {
  const { hash, pepper, createdAt, expiresAt } = secret
  return { hash, pepper, createdAt: new Date(createdAt), expiresAt: instant(expiresAt) }
}

function instant(text: string | null | undefined): Date | undefined {
  return text === null || text === undefined ? undefined : new Date(text)
}

function isRole(text: string): text is Role {
  return ROLES.includes(text)
}

function parse(json: string, place: string): ReturnType<typeof JSON.parse> {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new StoreCorruptError(place, { cause: error })
  }
}

function corrupt(place: string, message: string): StoreCorruptError {
  return new StoreCorruptError(place, { cause: new RangeError(message) })
}
