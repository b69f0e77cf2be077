import { describe, expect, it } from '@jest/globals'
import type { Instance } from '@mcp-platform/core-registry'
import { probeDuty } from '../../src/nodes/probe-duty.js'

const at = new Date()
const live = (...ids: string[]) => ids.map((id) => ({ id, details: {}, startedAt: at, heartbeatAt: at }))
const instance = (id: string, kind: 'http' | 'stdio'): Instance =>
  ({
    template: 'fs',
    id,
    attach: kind === 'http' ? { kind, url: 'http://127.0.0.1' } : { kind, command: 'x' },
  }) as Instance
const MANY = Array.from({ length: 300 }, (_, n) => instance(`i-${n}`, 'http'))

/** Who probes each of the instances, when these nodes live. */
function owners(...ids: string[]): string[][] {
  const duties = ids.map((id) => ({ id, isMine: probeDuty({ id, live: live(...ids) }) }))
  return MANY.map((one) => duties.filter(({ isMine }) => isMine(one)).map(({ id }) => id))
}

describe('the duty to probe', () => {
  it('is one node for each instance, and about as many instances for each node', () => {
    const found = owners('a', 'b', 'c')
    expect(found.every((nodes) => nodes.length === 1)).toBe(true)
    for (const id of ['a', 'b', 'c']) expect(found.filter(([node]) => node === id).length).toBeGreaterThan(60)
  })

  it('moves only from a node that is gone', () => {
    const [before, after] = [owners('a', 'b', 'c'), owners('a', 'b')]
    for (const [n, [owner]] of before.entries()) if (owner !== 'c') expect(after[n]).toEqual([owner])
    expect(after.every((nodes) => nodes.length === 1)).toBe(true)
  })

  it('is everything for a node alone, also before it has found itself in the list', () => {
    const isMine = probeDuty({ id: 'a', live: [] })
    expect(MANY.every(isMine)).toBe(true)
  })

  it('is always that of the own node for a child process', () => {
    for (const id of ['a', 'b']) expect(probeDuty({ id, live: live('a', 'b') })(instance('x', 'stdio'))).toBe(true)
  })
})
