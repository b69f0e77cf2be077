import { describe, expect, it } from '@jest/globals'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { kyselyAuditStore, kyselyIdentityStore, kyselyRefreshTokenStore } from '../src/auth.js'
import { kyselyIdempotencyStore, sweep } from '../src/gateway.js'
import type { StoreTables } from '../src/index.js'
import { migrate } from '../src/migrations.js'
import { newChain } from './auth-conformance.js'

/** They grow with use, while what is over is a small part of them. */
const GROWING = ['idempotency_keys', 'refresh_tokens', 'revoked_tokens', 'tombstones', 'audit_events', 'audit_links']

describe('retention', () => {
  it('looks at no table that grows with use as a whole', async () => {
    const said: string[] = []
    const database = new Database(':memory:', { verbose: (statement) => void said.push(String(statement)) })
    const db = new Kysely<StoreTables>({ dialect: new SqliteDialect({ database }) })
    try {
      await migrate(db, 'sqlite')
      const [chain, at] = [newChain(), new Date()]
      const keys = kyselyIdempotencyStore(db, 'sqlite')
      await keys.claim({ principal: 'p', template: 't', key: 'k', fingerprint: 'f', owner: 'o', claimMs: 1, keepMs: 0 })
      const tokens = kyselyRefreshTokenStore(db, 'sqlite')
      said.length = 0
      await db.transaction().execute((trx) => sweep(trx, 'sqlite', { tombstonesMs: -1 }))
      expect(await keys.sweep(10)).toBe(1)
      await tokens.sweep(at)
      await tokens.revokeFamily('f')
      await tokens.revokeUser('anna')
      await kyselyIdentityStore(db, 'sqlite', { chain }).sweep(at)
      await kyselyAuditStore(db, 'sqlite', { chain }).sweep(at, 10)
      const statements = said.filter((statement) => /^(select|delete)/.test(statement))
      const plans = statements.map((statement) => ({ statement, plan: planOf(database, statement) }))
      expect(plans.filter(({ plan }) => looksAtAll(plan))).toEqual([])
      const looked = plans.map(({ plan }) => plan).join('\n')
      for (const table of GROWING) expect(looked).toMatch(new RegExp(`SEARCH ${table} USING`))
    } finally {
      await db.destroy()
      database.close()
    }
  })
})

function planOf(database: Database.Database, statement: string): string {
  const steps = database.prepare<[], { readonly detail: string }>(`explain query plan ${statement}`).all()
  return steps.map(({ detail }) => detail).join('\n')
}

function looksAtAll(plan: string): boolean {
  return GROWING.some((table) => new RegExp(`SCAN ${table}\\b`).test(plan))
}
