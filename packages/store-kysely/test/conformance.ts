import { afterAll, describe, expect, it } from '@jest/globals'
import { registryStoreConformance } from '@mcp-platform/core-registry/testing'
import { circuitStoreConformance } from '@mcp-platform/health/testing'
import type { Availability, TestDatabase } from '@mcp-platform/test-kit/databases'
import { kyselyNodeStore } from '../src/gateway.js'
import { kyselyCircuitStore } from '../src/health.js'
import { migrate, migrationStatus } from '../src/migrations.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { migrated, type TestBed } from './support.js'

/** What every database must do: the suites of all ports, migrations, and the node list. */
export function storeConformance(makeBed: () => Promise<TestBed>): void {
  registryStoreConformance({ describe, it, expect }, async () => {
    const bed = await migrated(makeBed())
    return {
      store: kyselyRegistryStore(await bed.open(), bed.dialect),
      reopen: async () => kyselyRegistryStore(await bed.open(), bed.dialect),
      close: () => bed.close(),
    }
  })

  circuitStoreConformance({ describe, it, expect }, async () => {
    const bed = await migrated(makeBed())
    return {
      store: kyselyCircuitStore(await bed.open(), bed.dialect),
      reopen: async () => kyselyCircuitStore(await bed.open(), bed.dialect),
      close: () => bed.close(),
    }
  })

  describe('migrate', () => {
    it('makes the schema once, also when two do it at the same time', async () => {
      const bed = await makeBed()
      try {
        const [a, b] = [await bed.open(), await bed.open()]
        expect(await migrationStatus(a)).toMatchObject({ state: 'empty', applied: [] })
        const runs = await Promise.all([migrate(a, bed.dialect), migrate(b, bed.dialect)])
        const { state, applied } = await migrationStatus(b)
        expect(state).toBe('current')
        expect(runs.map((run) => run.applied.length).toSorted()).toEqual([0, applied.length].toSorted())
        expect(await migrate(a, bed.dialect)).toEqual({ applied: [] })
      } finally {
        await bed.close()
      }
    })
  })

  describe('node store', () => {
    it('knows who lives, by the clock of the database', async () => {
      const bed = await migrated(makeBed())
      try {
        const nodes = kyselyNodeStore(await bed.open(), bed.dialect)
        await nodes.heartbeat({ id: 'b', details: { url: 'http://b' } })
        await nodes.heartbeat({ id: 'a' })
        const [first] = await nodes.live(60_000)
        await nodes.heartbeat({ id: 'a', details: { version: '2' } })
        const live = await nodes.live(60_000)
        expect(live.map(({ id, details }) => [id, details])).toEqual([
          ['a', { version: '2' }],
          ['b', { url: 'http://b' }],
        ])
        expect(live[0]?.startedAt).toEqual(first?.startedAt)
        expect(live[0]?.heartbeatAt.getTime()).toBeGreaterThanOrEqual(live[0]?.startedAt.getTime() ?? Number.NaN)
        expect(await nodes.live(-60_000)).toEqual([])
        await nodes.remove('a')
        expect((await nodes.live(60_000)).map((node) => node.id)).toEqual(['b'])
      } finally {
        await bed.close()
      }
    })
  })
}

/** The same on a real server; skipped with the reason where this machine has none. */
export async function serverConformance(
  name: string,
  start: () => Promise<Availability<TestDatabase>>,
  makeBed: (server: TestDatabase) => Promise<TestBed>,
): Promise<void> {
  const { database: server, reason } = await start()
  if (server === undefined) {
    describe.skip(`${name}: ${reason}`, () => {
      it('is not run', () => undefined)
    })
    return
  }
  afterAll(() => server.stop())
  storeConformance(() => makeBed(server))
}
