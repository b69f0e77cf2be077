import { describe, expect, it } from '@jest/globals'
import { type CircuitChange, CircuitRecorder, type StoredCircuit } from '../src/index.js'
import { circuitStoreConformance, MemoryCircuitStore } from '../src/testing.js'
import { Bench } from './support.js'

circuitStoreConformance({ describe, it, expect }, () => Promise.resolve({ store: new MemoryCircuitStore() }))

/** A store whose writes the test lets through, or fails. */
class GatedStore extends MemoryCircuitStore {
  readonly saves: (readonly CircuitChange[])[] = []
  gate: Promise<void> = Promise.resolve()

  override async save(changes: readonly CircuitChange[]): Promise<void> {
    this.saves.push(changes)
    await this.gate
    await super.save(changes)
  }
}

function opened(id: string, opens: number): { type: 'circuit' } & Parameters<CircuitRecorder['record']>[0] {
  const circuit: StoredCircuit = { group: '', id, state: 'open', openUntil: new Date(5), opens, since: new Date(1) }
  return { type: 'circuit', group: '', id, from: 'closed', to: 'open', cause: 'success-ratio', circuit }
}

describe('CircuitRecorder', () => {
  it('writes what happened to the circuits of a monitor, and forgets removed targets', async () => {
    const store = new MemoryCircuitStore()
    const recorder = new CircuitRecorder({ store, onError: (error) => expect(error).toBeUndefined() })
    const bench = await new Bench(['a', 'b', 'c'], { onEvent: (event) => recorder.record(event) }).start()
    bench.fail('a', 5)
    await recorder.flush()
    expect(await store.load()).toEqual(bench.monitor.circuitStates())
    bench.monitor.update([{ id: 'b' }])
    await recorder.flush()
    expect(await store.load()).toEqual([])
  })

  it('writes one at a time, and of several changes of a circuit only the last', async () => {
    const store = new GatedStore()
    const recorder = new CircuitRecorder({ store, onError: (error) => expect(error).toBeUndefined() })
    const { promise, resolve } = Promise.withResolvers<void>()
    store.gate = promise
    recorder.record(opened('a', 1))
    await Promise.resolve()
    for (const opens of [2, 3, 4]) recorder.record(opened('a', opens))
    resolve()
    await recorder.flush()
    expect(store.saves.map((changes) => changes.length)).toEqual([1, 1])
    expect((await store.load())[0]?.opens).toBe(4)
  })

  it('tells a failed write and writes its changes with the next ones', async () => {
    const store = new GatedStore()
    const errors: unknown[] = []
    const recorder = new CircuitRecorder({ store, onError: (error) => errors.push(error) })
    store.gate = Promise.reject(new Error('disk full'))
    recorder.record(opened('a', 1))
    await recorder.flush()
    expect([errors, await store.load()]).toEqual([[new Error('disk full')], []])
    store.gate = Promise.resolve()
    recorder.record(opened('b', 1))
    await recorder.flush()
    expect((await store.load()).map(({ id }) => id)).toEqual(['a', 'b'])
  })
})
