import { describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { DatabaseWatch } from '../../src/database/watch.js'
import { memberPeers } from '../../src/nodes/member-peers.js'
import { Membership } from '../../src/nodes/membership.js'

const INTERVAL_MS = 5_000

/** A list of nodes as the database keeps it, which may be down. */
function nodeList() {
  const beats = new Map<string, Record<string, unknown>>()
  const state = { down: false, looks: 0 }
  const reach = (): void => {
    if (state.down) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  }
  return {
    beats,
    state,
    nodes: {
      heartbeat: async ({ id, details = {} }: { id: string; details?: Readonly<Record<string, unknown>> }) => {
        reach()
        beats.set(id, details)
      },
      live: async () => {
        reach()
        state.looks += 1
        const at = new Date()
        return [...beats].map(([id, details]) => ({ id, details, startedAt: at, heartbeatAt: at }))
      },
      remove: async (id: string) => void beats.delete(id),
    },
  }
}

async function member() {
  const list = nodeList()
  const clock = { now: 1_000_000 }
  const watch = new DatabaseWatch({ onEvent: () => undefined })
  const membership = new Membership({
    id: 'a',
    details: { version: '1' },
    nodes: list.nodes,
    watch,
    chores: [],
    intervalMs: INTERVAL_MS,
    onError: () => undefined,
    now: () => clock.now,
  })
  list.beats.set('b', { url: 'http://10.0.0.2:8080' })
  membership.start()
  await waitFor(() => membership.count === 2)
  return { ...list, clock, membership, watch }
}

describe('the other nodes', () => {
  it('are those with an address, from the list and from nowhere else', async () => {
    const { membership, beats } = await member()
    const peers = memberPeers(membership)
    expect(peers.all()).toEqual([{ id: 'b', url: 'http://10.0.0.2:8080' }])
    beats.set('c', { url: 'file:///etc/passwd' })
    beats.set('d', { url: 'not a URL' })
    beats.set('e', {})
    for (const id of ['c', 'd', 'e', 'zz']) expect(await peers.find(id)).toBeUndefined()
    await membership.close()
  })

  it('are known from their first moment on, by one look a second at most, whoever asks', async () => {
    const { membership, beats, state, clock } = await member()
    const before = state.looks
    beats.set('c', { url: 'http://10.0.0.3:8080' })
    const found = await Promise.all(Array.from({ length: 50 }, () => membership.find('c')))
    expect(found.every((node) => node?.details['url'] === 'http://10.0.0.3:8080')).toBe(true)
    await Promise.all(Array.from({ length: 50 }, () => membership.find('nobody')))
    expect(state.looks).toBe(before + 1)
    clock.now += 1_001
    await membership.find('nobody')
    expect(state.looks).toBe(before + 2)
    await membership.close()
  })

  it('are looked for again while they have not said yet where they are', async () => {
    const { membership, beats, clock } = await member()
    beats.set('c', {})
    await membership.find('c')
    expect(membership.live.map(({ id }) => id)).toContain('c')
    beats.set('c', { url: 'http://10.0.0.3:8080' })
    clock.now += 1_001
    expect(await memberPeers(membership).find('c')).toEqual({ id: 'c', url: 'http://10.0.0.3:8080' })
    await membership.close()
  })

  it('hear what a node announces', async () => {
    const { membership, beats } = await member()
    await membership.announce({ url: 'http://10.0.0.1:8080' })
    expect(beats.get('a')).toEqual({ version: '1', url: 'http://10.0.0.1:8080' })
    await membership.close()
  })

  it('count as before while the database is down, and get the time to beat again when it is back', async () => {
    const { membership, beats, state, clock, watch } = await member()
    state.down = true
    membership.wake()
    await waitFor(() => watch.state === 'unavailable')
    expect(await membership.find('b')).toMatchObject({ id: 'b' })
    expect(await membership.find('nobody')).toBeUndefined()
    // Its last heartbeat is old by now, and no fault of its own.
    beats.delete('b')
    state.down = false
    await waitFor(() => watch.state === 'ok')
    await waitFor(() => beats.has('a'))
    const looks = state.looks
    membership.wake()
    await waitFor(() => state.looks > looks)
    expect(await membership.find('b')).toMatchObject({ id: 'b' })
    clock.now += 3 * INTERVAL_MS + 1
    await membership.find('nobody')
    expect(await membership.find('b')).toBeUndefined()
    await membership.close()
  })
})
