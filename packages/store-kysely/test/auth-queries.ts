import { auditEvent, type IdentityChange } from '@mcp-platform/auth'
import type { Kysely } from 'kysely'
import {
  kyselyAuditStore,
  kyselyIdentityStore,
  kyselyKeyCheckStore,
  kyselyRefreshTokenStore,
  kyselySigningKeyStore,
} from '../src/auth.js'
import { kyselyUnitOfWork } from '../src/gateway.js'
import type { DialectName, StoreTables } from '../src/index.js'
import { newChain } from './auth-conformance.js'

const at = new Date('2026-11-22T10:00:00.123Z')

const changes: readonly IdentityChange[] = [
  {
    op: 'put-user',
    user: { name: 'anna', role: 'user', scopes: [], disabled: false, epoch: 1, createdAt: at, updatedAt: at },
    passwordHash: 'h',
  },
  { op: 'put-key', key: { id: 'k', name: 'k', owner: 'user:anna', scopes: [], secrets: [], createdAt: at } },
  { op: 'delete-user', name: 'anna' },
  { op: 'delete-key', id: 'k' },
  { op: 'revoke-token', id: 'j', expiresAt: at },
]

/** Says everything once that the stores of `/auth` can say to a database; answers do not matter. */
export async function everyAuthQuery(db: Kysely<StoreTables>, dialect: DialectName): Promise<void> {
  const chain = newChain()
  const event = auditEvent({ at, actor: 'user:anna', action: 'login' })
  const identity = kyselyIdentityStore(db, dialect, { chain, now: () => at.getTime() })
  await identity.commit(changes, 0, event)
  await identity.load()
  await identity.changesSince(0)
  await identity.passwordHash('anna')
  await identity.replacePasswordHash('anna', 'a', 'b')
  await identity.recordUse(new Map([['k', at]]))
  await identity.lastUses()
  await identity.sweep(at)
  await kyselyUnitOfWork(db, dialect, { chain, now: () => at.getTime() }).commit({
    registry: {
      diff: { operations: [{ op: 'put-template', template: { name: 'fs', settings: {} } }], action: 'registry.import' },
      by: { actor: 'user:anna' },
    },
    identity: { changes, expectedVersion: 0, audit: event },
  })
  const audit = kyselyAuditStore(db, dialect, { chain })
  await audit.append([event])
  await audit.query({ limit: 10, since: at, until: at, actor: 'a', action: 'b', outcome: 'denied', before: 'x' })
  await audit.checkpoints()
  await audit.sweep(at, 10)
  for await (const _ of audit.records()) throw new Error('there are none')
  await everyTokenQuery(db, dialect)
}

async function everyTokenQuery(db: Kysely<StoreTables>, dialect: DialectName): Promise<void> {
  const tokens = kyselyRefreshTokenStore(db, dialect)
  const token = { hash: 'h', family: 'f', user: 'anna', epoch: 1, client: 'c', createdAt: at, expiresAt: at }
  await tokens.insert(token)
  await tokens.find('h')
  await tokens.exchange('h', token, at)
  await tokens.revokeFamily('f')
  await tokens.revokeUser('anna')
  await tokens.sweep(at)
  const keys = kyselySigningKeyStore(db, dialect)
  await keys.add({ kid: 'k', alg: 'EdDSA', publicJwk: {}, sealedPrivate: 's', createdAt: at, signsFrom: at }, undefined)
  await keys.list()
  await keys.reseal('k', 's')
  await keys.remove(['k'])
  await kyselyKeyCheckStore(db, dialect).save({ current: { id: 'a', check: 'c' } }, undefined)
}
