import { describe, expect, it } from '@jest/globals'
import { AuditChain, MasterKey, MasterKeyRing } from '@mcp-platform/auth'
import {
  auditStoreConformance,
  identityStoreConformance,
  keyCheckStoreConformance,
  refreshTokenStoreConformance,
  signingKeyStoreConformance,
} from '@mcp-platform/auth/testing'
import { refusedUnitConformance, unitOfWorkConformance } from '@mcp-platform/gateway-core/testing'
import type { Availability } from '@mcp-platform/test-kit/databases'
import { type Kysely, sql } from 'kysely'
import {
  kyselyAuditStore,
  kyselyIdentityStore,
  kyselyKeyCheckStore,
  kyselyRefreshTokenStore,
  kyselySigningKeyStore,
} from '../src/auth.js'
import { kyselyUnitOfWork } from '../src/gateway.js'
import type { DialectName, StoreTables } from '../src/index.js'
import { kyselyRegistryStore } from '../src/registry.js'
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

  const unit = async () => {
    const bed = await migrated(makeBed())
    const [db, dialect, chain] = [await bed.open(), bed.dialect, newChain()]
    const audit = kyselyAuditStore(db, dialect, { chain })
    return {
      unit: kyselyUnitOfWork(db, dialect, { chain }),
      registry: kyselyRegistryStore(db, dialect, { chain }),
      identity: kyselyIdentityStore(db, dialect, { chain }),
      audit: async () => (await audit.query({ limit: 100 })).map(({ action }) => action),
      refuse: (half: keyof typeof TABLE_OF) => refuseRows(db, dialect, TABLE_OF[half]),
      close: () => bed.close(),
    }
  }
  unitOfWorkConformance(kit, unit)
  refusedUnitConformance(kit, unit)
}

const TABLE_OF = { registry: 'templates', identity: 'users', audit: 'audit_links' } as const

/** Makes the database refuse every row of a table, which has none yet, until what it gives is called. */
async function refuseRows(db: Kysely<StoreTables>, dialect: DialectName, table: keyof StoreTables) {
  if (dialect === 'sqlite') {
    await sql`create trigger refuse before insert on ${sql.table(table)}
      begin select raise(abort, 'the database refuses it'); end`.execute(db)
    return async () => void (await sql`drop trigger refuse`.execute(db))
  }
  await sql`alter table ${sql.table(table)} add constraint refuse check (1 = 0)`.execute(db)
  return async () => void (await sql`alter table ${sql.table(table)} drop constraint refuse`.execute(db))
}

/** The same on a real server; skipped with the reason where this machine has none. */
export async function serverAuthConformance<S extends { stop(): Promise<void> }>(
  name: string,
  start: () => Promise<Availability<S>>,
  makeBed: (server: S) => Promise<TestBed>,
): Promise<void> {
  await onServer(name, start, (server) => authConformance(() => makeBed(server)))
}
