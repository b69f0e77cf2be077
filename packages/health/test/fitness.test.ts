import { describe, expect, it } from '@jest/globals'
import { Bench, fit, held, unfit } from './support.js'

const four = ['a', 'b', 'c', 'd']

async function bringDown(bench: Bench, id: string): Promise<void> {
  bench.behaviour.set(id, unfit)
  for (let probe = 0; probe < 3; probe++) await bench.monitor.probeNow(id)
}

async function bringUp(bench: Bench, id: string): Promise<void> {
  bench.behaviour.set(id, fit)
  for (let probe = 0; probe < 2; probe++) await bench.monitor.probeNow(id)
}

describe('slow start', () => {
  it('grows from a tenth to all in 30 s after recovery, in ten steps that move the version', async () => {
    const bench = await new Bench(four).start()
    await bringDown(bench, 'a')
    await bringUp(bench, 'a')
    const shares = [bench.monitor.share('a')]
    let versions = 0
    for (let step = 0; step < 10; step++) {
      const before = bench.monitor.version
      await bench.advance(3_000)
      if (bench.monitor.version > before) versions += 1
      shares.push(bench.monitor.share('a'))
    }
    expect(shares.map((share) => Number(share.toFixed(2)))).toEqual([
      0.1, 0.19, 0.28, 0.37, 0.46, 0.55, 0.64, 0.73, 0.82, 0.91, 1,
    ])
    expect(versions).toBe(10)
  })

  it('does not happen at monitor start, but for one that registers later', async () => {
    const bench = await new Bench(four).start()
    expect(bench.monitor.share('a')).toBe(1)
    bench.monitor.update([...four, 'e'].map((id) => ({ id })))
    await bench.advance(0)
    expect([bench.monitor.share('a'), bench.monitor.share('e')]).toEqual([1, 0.1])
  })

  it('does not happen in a group of two', async () => {
    const bench = await new Bench(['a', 'b']).start()
    await bringDown(bench, 'a')
    await bringUp(bench, 'a')
    expect([bench.monitor.isAvailable('a'), bench.monitor.share('a')]).toEqual([true, 1])
  })

  it('follows an ejection and a time of being disabled', async () => {
    const bench = await new Bench(four).start()
    bench.fail('a', 5)
    bench.monitor.setAdmin('b', { state: 'disabled' })
    await bench.advance(11_000)
    bench.monitor.setAdmin('b', { state: 'active' })
    await bench.advance(0)
    expect([bench.monitor.isAvailable('a'), bench.monitor.share('a')]).toEqual([true, 0.05])
    expect([bench.monitor.isAvailable('b'), bench.monitor.share('b')]).toEqual([true, 0.1])
  })
})

describe('degraded', () => {
  it('is a failure ratio above 0.2: half the share, dearer, and it heals with time', async () => {
    const bench = await new Bench(four).start()
    bench.fail('a', 3)
    expect(bench.monitor.view('a')).toMatchObject({ status: 'degraded', healthy: true, share: 0.5 })
    expect(bench.monitor.penalty('a')).toBeGreaterThan(1.8)
    const before = bench.monitor.version
    await bench.advance(120_000)
    expect([bench.status('a'), bench.monitor.share('a'), bench.monitor.penalty('a')]).toEqual(['healthy', 1, 1])
    expect(bench.monitor.version).toBeGreaterThan(before)
  })

  it('is not one failure in a few calls', async () => {
    const bench = await new Bench(four).start()
    bench.fail('a', 1)
    expect(bench.status('a')).toBe('healthy')
  })

  it('is a probe that took five times as long as usual', async () => {
    const bench = new Bench(four)
    bench.probeTakesMs = 50
    await bench.start()
    await bench.advance(300_000)
    bench.probeTakesMs = 300
    await bench.advance(34_000)
    expect([bench.status('a'), bench.monitor.share('a')]).toEqual(['degraded', 0.5])
    bench.probeTakesMs = 50
    await bench.advance(34_000)
    expect(bench.status('a')).toBe('healthy')
  })

  it('is not a probe that took 60 ms instead of 1', async () => {
    const bench = new Bench(four)
    bench.probeTakesMs = 1
    await bench.start()
    await bench.advance(300_000)
    bench.probeTakesMs = 60
    await bench.advance(34_000)
    expect(bench.status('a')).toBe('healthy')
  })
})

describe('what an operator wants', () => {
  it('drains: no new calls, sessions until the deadline, no last resort, still probed', async () => {
    const bench = await new Bench(four).start()
    bench.monitor.setAdmin('a', { state: 'draining', until: new Date(Date.UTC(2026, 0, 1) + 1_000 + 60_000) })
    expect([bench.status('a'), bench.monitor.isAvailable('a'), bench.monitor.acceptsPinned('a')]).toEqual([
      'draining',
      false,
      true,
    ])
    expect(bench.monitor.lastResort('a')).toBeUndefined()
    const before = bench.monitor.version
    await bench.advance(60_000)
    expect([bench.monitor.acceptsPinned('a'), bench.monitor.version > before, bench.probes('a') > 1]).toEqual([
      false,
      true,
      true,
    ])
  })

  it('drains without a deadline until it is active again, without a slow start', async () => {
    const bench = await new Bench(four).start()
    bench.monitor.setAdmin('a', { state: 'draining' })
    await bench.advance(10_000_000)
    expect([bench.monitor.acceptsPinned('a'), bench.monitor.view('a')?.admin]).toEqual([true, { state: 'draining' }])
    bench.monitor.setAdmin('a', { state: 'active' })
    expect([bench.monitor.isAvailable('a'), bench.monitor.share('a')]).toEqual([true, 1])
  })

  it('disables: nothing at all, and no probes; enabled again it must pass first', async () => {
    const bench = await new Bench(four).start()
    bench.monitor.setAdmin('a', { state: 'disabled' })
    bench.monitor.suspect('a', 'timeout')
    await bench.advance(300_000)
    expect([bench.status('a'), bench.probes('a'), bench.monitor.acceptsPinned('a')]).toEqual(['disabled', 1, false])
    bench.monitor.setAdmin('a', { state: 'active' })
    expect(bench.status('a')).toBe('starting')
    await bench.advance(0)
    expect(bench.status('a')).toBe('healthy')
  })

  it('is kept over a change of generation, and may be said before start', async () => {
    const bench = new Bench(four)
    bench.monitor.setAdmin('a', { state: 'disabled' })
    await bench.start()
    bench.monitor.update([{ id: 'a', generation: 'new' }, { id: 'b' }])
    await bench.advance(60_000)
    expect([bench.status('a'), bench.probes('a')]).toEqual(['disabled', 0])
  })
})

describe('the last resort', () => {
  it('ranks ejected before unhealthy, and leaves out what never passed', async () => {
    const bench = new Bench(four)
    bench.behaviour.set('c', unfit)
    await bench.start()
    await bringDown(bench, 'b')
    await bringDown(bench, 'c')
    bench.fail('a', 5)
    expect(four.map((id) => bench.monitor.lastResort(id))).toEqual([1, 2, undefined, undefined])
    expect(four.map((id) => bench.status(id))).toEqual(['ejected', 'unhealthy', 'unhealthy', 'healthy'])
  })

  it('takes no session of a target that the probes declared dead', async () => {
    const bench = await new Bench(four).start()
    await bringDown(bench, 'b')
    expect(bench.monitor.acceptsPinned('b')).toBe(false)
  })
})

describe('panic', () => {
  it('is off by default', async () => {
    const bench = await new Bench(four).start()
    for (const id of four) await bringDown(bench, id)
    expect([bench.monitor.panicking, four.some((id) => bench.monitor.isAvailable(id))]).toEqual([false, false])
  })

  it('uses ejected and unhealthy targets below the ratio, never held or draining ones, and ends', async () => {
    const bench = await new Bench([...four, 'e', 'f'], { panicBelowRatio: 0.5 }).start()
    bench.behaviour.set('e', held)
    await bench.monitor.probeNow('e')
    bench.monitor.setAdmin('f', { state: 'draining' })
    await bringDown(bench, 'a')
    await bringDown(bench, 'b')
    expect(bench.monitor.panicking).toBe(false)
    const before = bench.monitor.version
    await bringDown(bench, 'c')
    expect([...four, 'e', 'f'].map((id) => bench.monitor.isAvailable(id))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(bench.monitor.version).toBeGreaterThan(before)
    await bringUp(bench, 'a')
    await bringUp(bench, 'b')
    expect([bench.monitor.panicking, bench.monitor.isAvailable('c')]).toEqual([false, false])
    expect(bench.eventsOf('panic').map(({ active }) => active)).toEqual([true, false])
  })
})

describe('events', () => {
  it('tell each change of status with its reason', async () => {
    const bench = await new Bench(['a', 'b'], { group: 'search' }).start()
    await bringDown(bench, 'a')
    await bringUp(bench, 'a')
    const told = bench.eventsOf('status').filter(({ id }) => id === 'a')
    expect(told.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['starting', 'healthy', undefined],
      ['healthy', 'unhealthy', 'broken'],
      ['unhealthy', 'healthy', undefined],
    ])
    expect(bench.events.every(({ group }) => group === 'search')).toBe(true)
  })

  it('reach a listener that throws without stopping the monitor half-way', async () => {
    const surfaced: unknown[] = []
    const original = globalThis.queueMicrotask
    globalThis.queueMicrotask = (task) => {
      try {
        task()
      } catch (error) {
        surfaced.push(error)
      }
    }
    try {
      const bench = new Bench(['a'], {
        onEvent: () => {
          throw new Error('listener')
        },
      })
      await bench.start()
      expect(bench.status('a')).toBe('healthy')
    } finally {
      globalThis.queueMicrotask = original
    }
    expect(surfaced).toContainEqual(new Error('listener'))
  })
})

describe('an id that is not watched', () => {
  it('is unavailable in every way', () => {
    const { monitor } = new Bench([])
    const answers = [
      monitor.isAvailable('x'),
      monitor.share('x'),
      monitor.penalty('x'),
      monitor.acceptsPinned('x'),
      monitor.lastResort('x'),
    ]
    expect(answers).toEqual([false, 0, 1, false, undefined])
    expect(monitor.view('x')).toBeUndefined()
  })
})
