import { describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { migrate, migrationStatus } from '../src/migrations.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { migrated, sqliteFile, sqliteMemory } from './support.js'

describe('migrate', () => {
  it('continues where an interrupted run has stopped, steps that were not recorded included', async () => {
    const bed = await migrated(sqliteMemory())
    try {
      const db = await bed.open()
      const { applied } = await migrationStatus(db)
      await sql`delete from schema_migrations where name > '004'`.execute(db)
      expect(await migrationStatus(db)).toMatchObject({
        state: 'pending',
        pending: applied.filter((name) => name > '004'),
      })
      expect((await migrate(db, 'sqlite')).applied).toEqual(applied.filter((name) => name > '004'))
      expect(await migrationStatus(db)).toMatchObject({ state: 'current', pending: [] })
    } finally {
      await bed.close()
    }
  })

  it('takes everything back when a step fails', async () => {
    const bed = await sqliteMemory()
    try {
      const db = await bed.open()
      await sql`create table registry_version (x integer)`.execute(db)
      await expect(migrate(db, 'sqlite')).rejects.toMatchObject({
        code: 'STORE_MIGRATION_FAILED',
        migration: '002_registry_version_row',
      })
      expect(await migrationStatus(db)).toMatchObject({ state: 'empty' })
      await sql`drop table registry_version`.execute(db)
      expect((await migrate(db, 'sqlite')).applied.length).toBeGreaterThan(5)
    } finally {
      await bed.close()
    }
  })

  it('refuses a newer schema by name, and an old binary may go on serving beside it', async () => {
    const bed = await migrated(sqliteMemory())
    try {
      const db = await bed.open()
      await sql`insert into schema_migrations (name, timestamp) values ('999_future', 'x')`.execute(db)
      await expect(migrate(db, 'sqlite')).rejects.toMatchObject({
        code: 'STORE_SCHEMA_NEWER',
        message: expect.stringContaining('999_future'),
      })
      expect(await migrationStatus(db)).toMatchObject({
        state: 'newer',
        pending: [],
        unknown: ['999_future'],
        usable: true,
      })
      expect((await kyselyRegistryStore(db, 'sqlite').load()).version).toBe(0)
    } finally {
      await bed.close()
    }
  })

  it('knows a newer schema that this version cannot work on by the name of the migration', async () => {
    const bed = await migrated(sqliteMemory())
    try {
      const db = await bed.open()
      await sql`insert into schema_migrations (name, timestamp) values ('999_drop_spec.breaking', 'x')`.execute(db)
      expect(await migrationStatus(db)).toMatchObject({ state: 'newer', pending: [], usable: false })
    } finally {
      await bed.close()
    }
  })

  it('gives up waiting for another process after its time, or when told to', async () => {
    const bed = await sqliteFile()
    try {
      const [other, mine] = [await bed.open(), await bed.open()]
      await sql`begin immediate`.execute(other)
      await expect(migrate(mine, 'sqlite', { lockWaitMs: 0 })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
      const stop = new AbortController()
      const waiting = migrate(mine, 'sqlite', { signal: stop.signal })
      stop.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
      await sql`rollback`.execute(other)
      expect((await migrate(mine, 'sqlite')).applied).not.toEqual([])
    } finally {
      await bed.close()
    }
  })
})
