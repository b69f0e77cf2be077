import { describe, expect, it } from '@jest/globals'
import type { StoredCircuit } from '../src/index.js'
import { Bench, fit, unfit } from './support.js'

const three = ['a', 'b', 'c']

describe('a circuit opens', () => {
  it('after five hard failures in a row, not after four', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 4)
    expect(bench.circuit('a')).toBe('closed')
    bench.fail('a', 1)
    expect([bench.status('a'), bench.monitor.isAvailable('a'), bench.monitor.lastResort('a')]).toEqual([
      'ejected',
      false,
      1,
    ])
  })

  it('not when a success comes between the failures', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 4)
    bench.succeed('a', 1)
    bench.fail('a', 4)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('when less than half of at least twenty calls in 10 s succeed', async () => {
    const bench = await new Bench(three).start()
    for (let round = 0; round < 3; round++) {
      bench.fail('a', 4)
      bench.succeed('a', 2)
    }
    bench.fail('a', 1)
    expect(bench.circuit('a')).toBe('closed')
    bench.fail('a', 1)
    expect(bench.circuit('a')).toBe('open')
    expect(bench.eventsOf('circuit').map(({ cause }) => cause)).toEqual(['success-ratio'])
  })

  it('not by ratio when the same calls come over more than 10 s', async () => {
    const bench = await new Bench(three).start()
    for (let round = 0; round < 20; round++) {
      bench.fail('a', 2)
      bench.succeed('a', 1)
      await bench.advance(2_000)
    }
    expect(bench.circuit('a')).toBe('closed')
  })

  it('not by exactly half', async () => {
    const bench = await new Bench(three).start()
    for (let round = 0; round < 30; round++) {
      bench.succeed('a', 1)
      bench.fail('a', 1)
    }
    expect(bench.circuit('a')).toBe('closed')
  })

  it('not by failures from before the target was down and came back', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 4)
    for (const verdict of [unfit, unfit, unfit, fit, fit]) {
      bench.behaviour.set('a', verdict)
      await bench.monitor.probeNow('a')
    }
    bench.fail('a', 1)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('never by refusals for load, by callers who hang up, or by failures that are not hard', async () => {
    const bench = await new Bench(three).start()
    for (let call = 0; call < 100; call++) {
      bench.monitor.observe('a', { outcome: 'overloaded' })
      bench.monitor.observe('a', { outcome: 'cancelled' })
      bench.monitor.observe('a', { outcome: 'failure', hard: false })
    }
    expect(bench.circuit('a')).toBe('closed')
  })

  it('ignores calls of targets that are not watched', async () => {
    const bench = await new Bench(['a']).start()
    bench.fail('x', 10)
    bench.monitor.suspect('x', 'timeout')
    bench.monitor.advise('x', { state: 'open' })
    expect(bench.monitor.views()).toHaveLength(1)
  })
})

describe('an open circuit', () => {
  it('is tried by a probe after 10 s and closed by the second one that passes', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    await bench.advance(9_999)
    expect(bench.circuit('a')).toBe('open')
    await bench.advance(1)
    expect([bench.circuit('a'), bench.monitor.isAvailable('a')]).toEqual(['half-open', false])
    await bench.advance(1_000)
    expect([bench.circuit('a'), bench.monitor.isAvailable('a')]).toEqual(['closed', true])
    const causes = bench.eventsOf('circuit').map(({ to, cause }) => `${to} ${cause}`)
    expect(causes).toEqual(['open consecutive-failures', 'half-open trial-due', 'closed trial-succeeded'])
  })

  it('is not closed early by a passing probe, which may not touch what fails', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    await bench.monitor.probeNow('a')
    await bench.monitor.probeNow('a')
    expect(bench.circuit('a')).toBe('open')
  })

  it('opens again, longer each time, when the trial fails, up to 300 s', async () => {
    const bench = await new Bench(three, { fall: 1_000 }).start()
    bench.behaviour.set('a', unfit)
    bench.fail('a', 5)
    await bench.advance(10_000_000)
    const opened = bench.eventsOf('circuit').filter(({ to }) => to === 'open')
    const lengths = opened.map(({ circuit }) => Number(circuit.openUntil) - Number(circuit.since))
    expect(lengths.slice(0, 3)).toEqual([10_000, 20_000, 30_000])
    expect(Math.max(...lengths)).toBe(300_000)
    expect(lengths.at(-1)).toBe(300_000)
  })

  it.each([
    [0, 8_000],
    [0.999_999, 12_000],
  ])('stays open 10 s +- 20 %% (random %d)', async (random, expected) => {
    const bench = await new Bench(three, { random: () => random }).start()
    bench.fail('a', 5)
    const { circuit } = bench.eventsOf('circuit')[0] ?? {}
    expect(Number(circuit?.openUntil) - Number(circuit?.since)).toBeCloseTo(expected, -1)
  })

  it('forgets one ejection for each 10 s that it then stays closed', async () => {
    const bench = await new Bench(three).start()
    bench.behaviour.set('a', unfit)
    bench.fail('a', 5)
    await bench.advance(10_000)
    bench.behaviour.set('a', fit)
    await bench.advance(30_000)
    expect(bench.circuit('a')).toBe('closed')
    expect(bench.monitor.view('a')?.circuit.opens).toBe(2)
    await bench.advance(20_000)
    expect(bench.monitor.view('a')?.circuit.opens).toBeLessThan(2)
    await bench.advance(20_000)
    expect(bench.monitor.view('a')?.circuit.opens).toBe(0)
    expect(bench.monitor.circuitStates()).toEqual([])
  })

  it('still takes calls of sessions that live there', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    expect(bench.monitor.acceptsPinned('a')).toBe(true)
  })
})

describe('the ceiling of ejections', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [9, 4],
  ])('of %d targets that all fail ejects %d', async (count, ejected) => {
    const ids = Array.from({ length: count }, (_, index) => `t${index}`)
    const bench = await new Bench(ids).start()
    for (const id of ids) bench.fail(id, 20)
    expect(ids.filter((id) => bench.circuit(id) === 'open')).toHaveLength(ejected)
    expect(new Set(bench.eventsOf('ejection-withheld').map(({ id }) => id)).size).toBe(count - ejected)
    expect(bench.eventsOf('ejection-withheld')).toHaveLength(count - ejected)
  })

  it('does not count those that an operator took out', async () => {
    const bench = await new Bench(['a', 'b']).start()
    bench.monitor.setAdmin('b', { state: 'disabled' })
    bench.fail('a', 20)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('never takes the last one that is available', async () => {
    const bench = await new Bench(['a', 'b', 'c', 'd']).start()
    for (const id of ['b', 'c', 'd']) bench.behaviour.set(id, unfit)
    await bench.advance(60_000)
    bench.fail('a', 20)
    expect(bench.monitor.isAvailable('a')).toBe(true)
  })

  it('closes circuits when the group shrinks below them', async () => {
    const bench = await new Bench(['a', 'b', 'c', 'd']).start()
    bench.fail('a', 5)
    bench.fail('b', 5)
    bench.monitor.update([{ id: 'a' }, { id: 'b' }])
    expect([bench.circuit('a'), bench.circuit('b')]).toEqual(['closed', 'open'])
    bench.monitor.update([{ id: 'b' }])
    expect(bench.circuit('b')).toBe('closed')
  })

  it('of zero ejects nobody', async () => {
    const bench = await new Bench(three, { maxEjectedRatio: 0 }).start()
    bench.fail('a', 100)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('lets an ejection follow as soon as there is room', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    bench.fail('b', 5)
    expect(bench.circuit('b')).toBe('closed')
    await bench.advance(11_000)
    bench.fail('b', 5)
    expect([bench.circuit('a'), bench.circuit('b')]).toEqual(['closed', 'open'])
  })
})

describe('a suspicion', () => {
  it('starts a probe at once', async () => {
    const bench = await new Bench(three).start()
    await bench.advance(5_000)
    bench.monitor.suspect('a', 'timeout')
    await bench.advance(0)
    expect(bench.probes('a')).toBe(2)
  })

  it('is a hard failure each when the probe fails', async () => {
    const bench = await new Bench(three).start()
    await bench.advance(5_000)
    bench.behaviour.set('a', unfit)
    for (let call = 0; call < 5; call++) bench.monitor.suspect('a', 'child exit')
    await bench.advance(0)
    expect([bench.circuit('a'), bench.probes('a')]).toEqual(['open', 2])
  })

  it('raises only the failure ratio when the probe passes, once per observer in 10 s', async () => {
    const bench = await new Bench(three).start()
    await bench.advance(5_000)
    for (let call = 0; call < 200; call++) bench.monitor.suspect('a', 'timeout', 'ann slow_tool')
    await bench.advance(0)
    expect(bench.monitor.view('a')?.failureRatio).toBeCloseTo(1 / 6)
    expect(bench.circuit('a')).toBe('closed')
    bench.monitor.suspect('a', 'timeout', 'ann slow_tool')
    bench.monitor.suspect('a', 'timeout', 'bob slow_tool')
    await bench.advance(1_000)
    expect(bench.monitor.view('a')?.failureRatio).toBeCloseTo(2 / 7, 1)
    await bench.advance(10_000)
    bench.monitor.suspect('a', 'timeout', 'ann slow_tool')
    await bench.advance(0)
    expect(bench.monitor.view('a')?.failureRatio).toBeGreaterThan(0.25)
  })

  it('comes with a report too', async () => {
    const bench = await new Bench(three).start()
    await bench.advance(5_000)
    bench.behaviour.set('a', unfit)
    for (let call = 0; call < 5; call++) {
      bench.monitor.observe('a', { outcome: 'failure', suspicion: { cause: 'timeout', by: 'ann' } })
    }
    expect(bench.circuit('a')).toBe('closed')
    await bench.advance(0)
    expect(bench.circuit('a')).toBe('open')
  })

  it('does not probe more than once a second, however many there are', async () => {
    const bench = await new Bench(three).start()
    for (let tick = 0; tick < 100; tick++) {
      bench.monitor.suspect('a', 'timeout', `caller ${tick}`)
      await bench.advance(50)
    }
    expect(bench.probes('a')).toBeLessThanOrEqual(7)
  })
})

describe('advice of another process', () => {
  it('that a circuit opened starts a probe and decides nothing', async () => {
    const bench = await new Bench(three).start()
    await bench.advance(5_000)
    bench.monitor.advise('a', { state: 'open' })
    await bench.advance(0)
    expect([bench.probes('a'), bench.status('a')]).toEqual([2, 'healthy'])
  })

  it('that a circuit closed begins the trial early, if the probe passes', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    await bench.advance(2_000)
    bench.monitor.advise('a', { state: 'closed' })
    await bench.advance(0)
    expect(bench.circuit('a')).toBe('half-open')
    await bench.advance(1_000)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('that a circuit closed changes nothing if the probe fails', async () => {
    const bench = await new Bench(three).start()
    bench.fail('a', 5)
    bench.behaviour.set('a', unfit)
    await bench.advance(2_000)
    bench.monitor.advise('a', { state: 'closed' })
    await bench.advance(0)
    expect([bench.circuit('a'), bench.monitor.view('a')?.circuit.opens]).toEqual(['open', 1])
  })
})

describe('restore', () => {
  const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + 1_000 + ms)
  const open: StoredCircuit = { group: '', id: 'a', state: 'open', openUntil: at(5_000), opens: 3, since: at(-20_000) }

  it('keeps a target out after a restart until its time is over, and counts on', async () => {
    const bench = await new Bench(three, { circuits: [open] }).start()
    expect(bench.status('a')).toBe('ejected')
    bench.behaviour.set('a', unfit)
    await bench.advance(5_000)
    expect(bench.monitor.view('a')?.circuit).toMatchObject({ state: 'open', opens: 4 })
  })

  it('tries one at once whose time is over', async () => {
    const bench = await new Bench(three, { circuits: [{ ...open, openUntil: at(-1) }] }).start()
    expect(bench.circuit('a')).toBe('half-open')
    await bench.advance(1_000)
    expect(bench.circuit('a')).toBe('closed')
  })

  it('ignores circuits of another group or generation', async () => {
    const circuits = [
      { ...open, group: 'x' },
      { ...open, id: 'b', generation: '1' },
    ]
    const bench = await new Bench(three, { circuits }).start()
    expect([bench.circuit('a'), bench.circuit('b')]).toEqual(['closed', 'closed'])
  })

  it('waits for a target that comes later', async () => {
    const bench = await new Bench(['b', 'c'], { circuits: [open] }).start()
    bench.monitor.update(three.map((id) => ({ id })))
    expect(bench.circuit('a')).toBe('open')
  })

  it('never restores more ejections than the ceiling allows, nor for longer than the longest', async () => {
    const circuits = three.map((id) => ({ ...open, id, openUntil: at(1e12) }))
    const bench = await new Bench(three, { circuits }).start()
    expect(three.filter((id) => bench.circuit(id) === 'open')).toHaveLength(1)
    const until = Number(bench.monitor.views().find(({ circuit }) => circuit.openUntil)?.circuit.openUntil)
    expect(until - Number(at(0))).toBeLessThanOrEqual(360_000)
  })

  it('gives back what circuitStates took', async () => {
    const before = await new Bench(three).start()
    before.fail('a', 5)
    const states = before.monitor.circuitStates()
    const after = await new Bench(three, { circuits: states }).start()
    expect(after.monitor.circuitStates()).toEqual(states)
  })
})
