import { describe, expect, it } from '@jest/globals'
import { AuditChain, MasterKey, MasterKeyRing } from '@mcp-platform/auth'
import {
  auditStoreConformance,
  identityStoreConformance,
  keyCheckStoreConformance,
  refreshTokenStoreConformance,
  signingKeyStoreConformance,
} from '@mcp-platform/auth/testing'
import type { Availability } from '@mcp-platform/test-kit/databases'
import type { Kysely } from 'kysely'
import {
  kyselyAuditStore,
  kyselyIdentityStore,
  kyselyKeyCheckStore,
  kyselyRefreshTokenStore,
  kyselySigningKeyStore,
} from '../src/auth.js'
import type { DialectName, StoreTables } from '../src/index.js'
import { onServer } from './on-server.js'
import { migrated, type TestBed } from './support.js'

const kit = { describe, it, expect }

export function newChain(node = 'n1'): AuditChain {
  return new AuditChain({ node, keys: new MasterKeyRing(MasterKey.generate()).derive('audit-chain') })
}

type Make<S> = (db: Kysely<StoreTables>, dialect: DialectName, chain: AuditChain) => S

/** What every database must do with users, keys, tokens and the audit trail. */
export function authConformance(makeBed: () => Promise<TestBed>): void {
  const fixture = async <S>(make: Make<S>) => {
    const bed = await migrated(makeBed())
    const chain = newChain()
    const open = async () => make(await bed.open(), bed.dialect, chain)
    return { bed, chain, store: await open(), reopen: open, close: () => bed.close() }
  }

  identityStoreConformance(kit, async () => {
    const made = await fixture((db, dialect, chain) => kyselyIdentityStore(db, dialect, { chain }))
    const { bed, chain } = made
    const audit = async () => kyselyAuditStore(await bed.open(), bed.dialect, { chain }).query({ limit: 100 })
    return { ...made, audit }
  })
  refreshTokenStoreConformance(kit, () => fixture((db, dialect) => kyselyRefreshTokenStore(db, dialect)))
  signingKeyStoreConformance(kit, () => fixture((db, dialect) => kyselySigningKeyStore(db, dialect)))
  keyCheckStoreConformance(kit, () => fixture((db, dialect) => kyselyKeyCheckStore(db, dialect)))
  auditStoreConformance(kit, () => fixture((db, dialect, chain) => kyselyAuditStore(db, dialect, { chain })))
}

/** The same on a real server; skipped with the reason where this machine has none. */
export async function serverAuthConformance<S extends { stop(): Promise<void> }>(
  name: string,
  start: () => Promise<Availability<S>>,
  makeBed: (server: S) => Promise<TestBed>,
): Promise<void> {
  await onServer(name, start, (server) => authConformance(() => makeBed(server)))
}
