import { describe, expect, it } from '@jest/globals'
import { Chore } from '../../src/nodes/chore.js'
import { openStores, type Stores } from '../../src/open-stores.js'

const TTL_MS = 60_000

async function on(body: (stores: Stores) => Promise<void>): Promise<void> {
  const stores = await openStores({ database: 'sqlite::memory:' })
  try {
    await body(stores)
  } finally {
    await stores.close()
  }
}

function chore(stores: Stores, owner: string, more: { now?: () => number; done: string[] }): Chore {
  return new Chore({
    name: 'retention',
    owner,
    leases: stores.leases,
    ttlMs: TTL_MS,
    everyMs: 10_000,
    work: async () => void more.done.push(owner),
    harmless: [async () => more.done.push(`${owner} after`)],
    now: more.now,
  })
}

const signal = new AbortController().signal

describe('a chore', () => {
  it('is done by the node that holds its lease, at its interval, and by the next one when that gives it back', () =>
    on(async (stores) => {
      const done: string[] = []
      let now = 0
      const [a, b] = [chore(stores, 'a', { done, now: () => now }), chore(stores, 'b', { done, now: () => now })]
      await a.turn(signal)
      await b.turn(signal)
      await a.turn(signal)
      expect(done).toEqual(['a', 'a after'])
      expect([a.isHeld, b.isHeld]).toEqual([true, false])
      now = 10_000
      await a.turn(signal)
      expect(done).toEqual(['a', 'a after', 'a', 'a after'])
      await a.release()
      await b.turn(signal)
      expect(done.slice(4)).toEqual(['b', 'b after'])
      expect([a.isHeld, b.isHeld]).toEqual([false, true])
    }))

  it('ends for a node by its own clock before it ends in the database', () =>
    on(async (stores) => {
      let now = 0
      const slow = chore(stores, 'a', { done: [], now: () => now })
      await slow.turn(signal)
      now = TTL_MS - 2_001
      expect(slow.isHeld).toBe(true)
      now = TTL_MS - 2_000
      expect(slow.isHeld).toBe(false)
    }))

  it('is taken back from a node that slept while another one took over', () =>
    on(async (stores) => {
      const lease = await stores.leases.take('retention', 'sleeper', 0)
      if (lease === undefined) throw new Error('nobody has it')
      await chore(stores, 'b', { done: [] }).turn(signal)
      const late = stores.leases.fenced(lease, async (trx) => {
        await trx.deleteFrom('nodes').execute()
      })
      await expect(late).rejects.toMatchObject({ code: 'STORE_LEASE_LOST' })
    }))
})
