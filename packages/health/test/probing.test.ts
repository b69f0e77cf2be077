import { describe, expect, it } from '@jest/globals'
import {
  DuplicateTargetError,
  HealthMonitor,
  MonitorClosedError,
  ProbeAbortedError,
  UnknownTargetError,
} from '../src/index.js'
import { ManualScheduler } from '../src/testing.js'
import { Bench, fit, held, unfit } from './support.js'

describe('start', () => {
  it('gives no traffic to a target before it passed once, and starts no timer before start', async () => {
    const bench = new Bench(['a', 'b'])
    bench.behaviour.set('b', unfit)
    expect(bench.monitor.isAvailable('a')).toBe(false)
    expect(bench.scheduler.pending).toBe(0)
    await bench.start()
    expect([bench.monitor.isAvailable('a'), bench.monitor.isAvailable('b')]).toEqual([true, false])
    expect([bench.status('a'), bench.status('b')]).toEqual(['healthy', 'starting'])
  })

  it('resolves when every target was probed once, at once', async () => {
    const bench = new Bench(['a', 'b', 'c'])
    await bench.start()
    expect(['a', 'b', 'c'].map((id) => bench.probedAt.get(id))).toEqual([[1_000], [1_000], [1_000]])
  })

  it('resolves after the start timeout though a probe never answers', async () => {
    const bench = new Bench(['a', 'b'], { timeoutMs: 10_000 })
    bench.behaviour.set('a', 'ignore-abort')
    const started = bench.monitor.start()
    await bench.advance(11_000)
    await started
    expect(bench.monitor.isAvailable('b')).toBe(true)
  })

  it('stops waiting when its signal aborts', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', 'hang')
    const gaveUp = new Error('gave up')
    const abort = new AbortController()
    const started = bench.monitor.start({ signal: abort.signal })
    abort.abort(gaveUp)
    await expect(started).rejects.toBe(gaveUp)
    await bench.monitor.close()
  })

  it('runs at most so many probes at once, and all of them in the end', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `t${index}`)
    const bench = new Bench(ids, { maxConcurrentProbes: 4 })
    bench.probeTakesMs = 10
    const started = bench.monitor.start()
    await bench.advance(130)
    await started
    expect(bench.mostRunning).toBe(4)
    expect(ids.every((id) => bench.monitor.isAvailable(id))).toBe(true)
  })

  it('gives the turn of a target that was removed while it waited to the next one', async () => {
    const bench = new Bench(['a', 'b', 'c'], { maxConcurrentProbes: 1 })
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    await bench.advance(1)
    bench.monitor.update([{ id: 'c' }])
    await bench.advance(1)
    await started
    expect([bench.status('c'), bench.probes('b')]).toEqual(['healthy', 0])
  })

  it('spreads the second probes over one interval', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`)
    let seed = 1
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647
      return seed / 2_147_483_647
    }
    const bench = await new Bench(ids, { random }).start()
    await bench.advance(33_000)
    const second = ids.map((id) => (bench.probedAt.get(id)?.[1] ?? 0) - 1_000)
    const quarters = [0, 1, 2, 3].map((quarter) => second.filter((ms) => Math.floor(ms / 8_250) === quarter).length)
    expect(Math.min(...quarters)).toBeGreaterThanOrEqual(3)
  })

  it('answers alike when it is called twice, and refuses after close', async () => {
    const bench = await new Bench(['a']).start()
    await bench.monitor.start()
    expect(bench.probes('a')).toBe(1)
    await bench.monitor.close()
    await expect(bench.monitor.start()).rejects.toBeInstanceOf(MonitorClosedError)
  })
})

describe('fall and rise', () => {
  it('takes three failures to fall, a second apart, and two passes to rise', async () => {
    const bench = await new Bench(['a'], { slowStartMs: 0 }).start()
    bench.behaviour.set('a', unfit)
    await bench.monitor.probeNow('a')
    await bench.monitor.probeNow('a')
    expect(bench.monitor.isAvailable('a')).toBe(true)
    await bench.advance(1_000)
    expect(bench.status('a')).toBe('unhealthy')
    bench.behaviour.set('a', fit)
    await bench.advance(2_000)
    expect(bench.status('a')).toBe('unhealthy')
    await bench.advance(1_000)
    expect(bench.status('a')).toBe('healthy')
  })

  it('does not fall when a pass comes between the failures', async () => {
    const bench = await new Bench(['a']).start()
    for (const verdict of [unfit, unfit, fit, unfit, unfit]) {
      bench.behaviour.set('a', verdict)
      await bench.monitor.probeNow('a')
    }
    expect(bench.status('a')).toBe('healthy')
  })

  it('backs off from 2 to 30 s while a target is down', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', unfit)
    await bench.start()
    await bench.advance(120_000)
    expect(bench.gaps('a').slice(0, 8)).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  it('probes a healthy target once per interval, within the jitter', async () => {
    let draw = 0
    const bench = await new Bench(['a'], { random: () => (draw++ % 11) / 11 }).start()
    await bench.advance(600_000)
    const gaps = bench.gaps('a').slice(1)
    expect(gaps.length).toBeGreaterThanOrEqual(18)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(27_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(33_000)
    expect(new Set(gaps).size).toBeGreaterThan(3)
  })

  it('probes once a second right after a target came back', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', unfit)
    await bench.start()
    await bench.advance(2_000)
    bench.behaviour.set('a', fit)
    await bench.advance(5_000)
    expect(bench.gaps('a')).toEqual([1_000, 1_000, 2_000, 1_000, 1_000])
  })

  it('tells the reason of a failure in the view until it passes again', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', unfit)
    await bench.start()
    expect(bench.monitor.view('a')).toMatchObject({
      lastError: 'broken',
      consecutiveFailures: 1,
      healthy: false,
      score: 0,
    })
    bench.behaviour.set('a', fit)
    await bench.advance(1_000)
    expect(bench.monitor.view('a')).toMatchObject({
      lastError: undefined,
      consecutiveFailures: 0,
      healthy: true,
      score: 100,
    })
  })
})

describe('held', () => {
  it('takes traffic away at once, shows the reason as status, and is no last resort', async () => {
    const bench = await new Bench(['a']).start()
    bench.behaviour.set('a', held)
    await bench.monitor.probeNow('a')
    expect(bench.status('a')).toBe('unauthenticated')
    expect([bench.monitor.isAvailable('a'), bench.monitor.acceptsPinned('a')]).toEqual([false, false])
    expect(bench.monitor.lastResort('a')).toBeUndefined()
  })

  it('stays held while it also fails, so that it cannot become a last resort', async () => {
    const bench = await new Bench(['a']).start()
    bench.behaviour.set('a', { verdict: 'held', reason: 'identity_changed' })
    await bench.monitor.probeNow('a')
    bench.behaviour.set('a', unfit)
    for (let probe = 0; probe < 5; probe++) await bench.monitor.probeNow('a')
    expect(bench.status('a')).toBe('identity_changed')
    expect(bench.monitor.lastResort('a')).toBeUndefined()
  })

  it('shows a reason of its own as held', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', { verdict: 'held', reason: 'licence expired' })
    await bench.start()
    expect(bench.monitor.view('a')).toMatchObject({ status: 'held', lastError: 'licence expired' })
  })
})

describe('a probe', () => {
  it('that does not answer in time counts as failed, with the time in the reason', async () => {
    const bench = new Bench(['a'], { timeoutMs: 5_000 })
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    await bench.advance(5_000)
    await started
    expect(bench.monitor.view('a')?.lastError).toBe('no answer within 5000 ms')
  })

  it('that rejects or throws tells its message and the code of the cause', async () => {
    const failing = [
      () => Promise.reject(new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })),
      () => {
        throw new TypeError('bad url')
      },
    ]
    const reasons: unknown[] = []
    for (const probe of failing) {
      const monitor = new HealthMonitor({ targets: [{ id: 'a' }], probe, scheduler: new ManualScheduler() })
      await monitor.start()
      reasons.push(monitor.view('a')?.lastError)
      await monitor.close()
    }
    expect(reasons).toEqual(['fetch failed (ECONNREFUSED)', 'bad url'])
  })

  it('that ignores its signal is never joined by a second one; each one due counts as failed', async () => {
    const bench = new Bench(['a'], { timeoutMs: 1_000 })
    bench.behaviour.set('a', 'ignore-abort')
    const started = bench.monitor.start()
    await bench.advance(60_000)
    await started
    expect(bench.probes('a')).toBe(1)
    expect(bench.monitor.view('a')).toMatchObject({
      status: 'unhealthy',
      lastError: 'the previous probe has not ended though it was aborted',
    })
  })

  it('is joined by everyone who asks while it runs', async () => {
    const bench = await new Bench(['a']).start()
    bench.probeTakesMs = 100
    const answers = Promise.all([bench.monitor.probeNow('a'), bench.monitor.probeNow('a'), bench.monitor.probeNow('a')])
    await bench.advance(100)
    expect(await answers).toEqual([fit, fit, fit])
    expect(bench.probes('a')).toBe(2)
  })

  it('asked for by hand ends the waiting, not the probe, when the signal aborts', async () => {
    const bench = await new Bench(['a']).start()
    bench.probeTakesMs = 100
    const asked = bench.monitor.probeNow('a', { signal: AbortSignal.abort(new Error('enough')) })
    await expect(asked).rejects.toThrow('enough')
    await bench.advance(100)
    expect(bench.monitor.stats().totalChecks).toBe(2)
  })

  it('of an unknown target is an error; of a target removed meanwhile too', async () => {
    const bench = await new Bench(['a']).start()
    await expect(bench.monitor.probeNow('x')).rejects.toBeInstanceOf(UnknownTargetError)
    bench.behaviour.set('a', 'hang')
    const asked = bench.monitor.probeNow('a')
    bench.monitor.update([])
    await expect(asked).rejects.toBeInstanceOf(ProbeAbortedError)
  })

  it('that failed while our own loop stood still is repeated and does not count', async () => {
    const bench = new Bench(['a'], { timeoutMs: 5_000, fall: 1 })
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    await bench.advance(100)
    bench.scheduler.stall(8_000)
    bench.behaviour.set('a', fit)
    await bench.advance(0)
    await started
    expect(bench.status('a')).toBe('healthy')
    expect(bench.eventsOf('stall')).toHaveLength(1)
    expect(bench.monitor.stats()).toMatchObject({ totalChecks: 1, failedChecks: 0 })
  })

  it('that failed although the stall was over before its timeout is repeated too', async () => {
    const bench = new Bench(['a'], { timeoutMs: 10_000, fall: 1 })
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    await bench.advance(100)
    bench.scheduler.stall(9_000)
    await bench.advance(500)
    bench.behaviour.set('a', fit)
    await bench.advance(1_000)
    await started
    expect(bench.status('a')).toBe('healthy')
  })

  it('that fails in a process that stalls all the time counts after three repeats', async () => {
    const bench = new Bench(['a'], { timeoutMs: 5_000, fall: 1 })
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    for (let stall = 0; stall < 4; stall++) {
      await bench.advance(10)
      bench.scheduler.stall(8_000)
    }
    await bench.advance(0)
    await started
    expect(bench.status('a')).toBe('unhealthy')
    expect(bench.eventsOf('stall')).toHaveLength(3)
  })
})

describe('pause', () => {
  it('lets nothing fall due until resume, but runs what is asked for', async () => {
    const bench = await new Bench(['a']).start()
    bench.monitor.pause()
    await bench.advance(300_000)
    expect([bench.probes('a'), bench.monitor.stats().running]).toEqual([1, false])
    await bench.monitor.probeNow('a')
    expect(bench.probes('a')).toBe(2)
    bench.monitor.resume()
    await bench.advance(33_000)
    expect(bench.probes('a')).toBe(3)
    expect(bench.monitor.stats().running).toBe(true)
  })
})

describe('update', () => {
  it('keeps the state of what stays, probes what is new at once, and forgets what is gone', async () => {
    const bench = await new Bench(['a', 'b']).start()
    bench.monitor.update([{ id: 'b' }, { id: 'c' }])
    expect([bench.status('a'), bench.status('b'), bench.status('c')]).toEqual([undefined, 'healthy', 'starting'])
    await bench.advance(0)
    expect([bench.status('c'), bench.probes('b'), bench.probes('c')]).toEqual(['healthy', 1, 1])
    expect(bench.eventsOf('removed').map(({ id }) => id)).toEqual(['a'])
  })

  it('resets a target of another generation', async () => {
    const bench = new Bench([])
    bench.monitor.update([
      { id: 'a', generation: 1 },
      { id: 'b', generation: 1 },
    ])
    await bench.start()
    bench.fail('a', 5)
    expect(bench.circuit('a')).toBe('open')
    bench.monitor.update([
      { id: 'a', generation: 2 },
      { id: 'b', generation: 1 },
    ])
    expect([bench.status('a'), bench.circuit('a'), bench.status('b')]).toEqual(['starting', 'closed', 'healthy'])
    expect(bench.monitor.circuitStates()).toEqual([])
    await bench.advance(0)
    expect(bench.status('a')).toBe('healthy')
  })

  it('refuses two targets of one id and changes nothing', async () => {
    const bench = await new Bench(['a']).start()
    expect(() => bench.monitor.update([{ id: 'b' }, { id: 'b' }])).toThrow(DuplicateTargetError)
    expect(bench.monitor.views().map(({ id }) => id)).toEqual(['a'])
  })

  it('never probes the old and the new one of an id at once', async () => {
    const bench = new Bench([])
    bench.monitor.update([{ id: 'a', generation: 1 }])
    bench.behaviour.set('a', 'hang')
    const started = bench.monitor.start()
    await bench.advance(1)
    bench.monitor.update([{ id: 'a', generation: 2 }])
    bench.behaviour.set('a', fit)
    await bench.advance(1)
    await started
    expect([bench.mostRunning, bench.status('a')]).toEqual([1, 'healthy'])
  })
})

describe('close', () => {
  it('leaves no timer, aborts what runs, and refuses changes', async () => {
    const bench = await new Bench(['a', 'b']).start()
    bench.behaviour.set('a', 'hang')
    void bench.monitor.probeNow('a').catch(() => undefined)
    await bench.advance(1)
    await bench.monitor.close()
    await bench.advance(0)
    expect([bench.scheduler.pending, bench.running]).toEqual([0, 0])
    expect(() => bench.monitor.update([])).toThrow(MonitorClosedError)
    await expect(bench.monitor.probeNow('a')).rejects.toBeInstanceOf(MonitorClosedError)
  })

  it('waits two seconds at most for a probe that does not stop', async () => {
    const bench = new Bench(['a'])
    bench.behaviour.set('a', 'ignore-abort')
    const started = bench.monitor.start()
    await bench.advance(1)
    const closed = bench.monitor.close()
    await bench.advance(2_000)
    await Promise.all([started, closed])
    expect(bench.scheduler.pending).toBe(0)
  })
})

describe('options', () => {
  it.each([
    [{ intervalMs: 0 }, 'health: intervalMs must be a finite number >= 10, got 0'],
    [{ timeoutMs: Number.NaN }, 'health: timeoutMs must be a finite number >= 1, got NaN'],
    [{ fall: 1.5 }, 'health: fall must be an integer >= 1, got 1.5'],
    [{ jitterRatio: 2 }, 'health: jitterRatio must be between 0 and 1, got 2'],
    [{ downMaxIntervalMs: 5 }, 'health: downMaxIntervalMs must be a finite number >= 2000, got 5'],
    [{ circuit: { minCalls: 0 } }, 'health: circuit.minCalls must be an integer >= 1, got 0'],
  ])('refuses %j', (options, message) => {
    expect(() => new Bench([], options)).toThrow(new RangeError(message))
  })

  it('takes an option that is undefined as not given', () => {
    expect(new Bench([], { intervalMs: undefined }).monitor.stats()).toMatchObject({
      checkIntervalMs: 30_000,
      timeoutMs: 10_000,
    })
  })
})

describe('stats', () => {
  it('count what passed and what failed', async () => {
    const bench = new Bench(['a', 'b', 'c', 'd'])
    bench.behaviour.set('d', unfit)
    await bench.start()
    expect(bench.monitor.stats()).toEqual({
      running: true,
      checkIntervalMs: 30_000,
      timeoutMs: 10_000,
      totalChecks: 4,
      successfulChecks: 3,
      failedChecks: 1,
      successRatio: 0.75,
      lastCheckAt: new Date(Date.UTC(2026, 0, 1) + 1_000),
    })
  })
})

describe('a target that somebody else probes', () => {
  const MINUTE = 60_000

  it('is probed at the start and then left to them, until it is ours', async () => {
    let mine = false
    const bench = await new Bench(['a'], { shouldProbe: () => mine }).start()
    await bench.advance(10 * MINUTE)
    expect([bench.probes('a'), bench.monitor.isAvailable('a')]).toEqual([1, true])
    mine = true
    await bench.advance(MINUTE)
    expect(bench.probes('a')).toBeGreaterThanOrEqual(2)
  })

  it('is probed while calls use it, and no longer', async () => {
    const bench = await new Bench(['a', 'b'], { shouldProbe: () => false }).start()
    for (let second = 0; second < 120; second += 10) {
      bench.succeed('a', 1)
      await bench.advance(10_000)
    }
    expect([bench.probes('a') > 3, bench.probes('b')]).toEqual([true, 1])
    await bench.advance(MINUTE)
    const probes = bench.probes('a')
    await bench.advance(10 * MINUTE)
    expect(bench.probes('a')).toBe(probes)
  })

  it('is probed as long as it is unfit or doubted here, whoever else does', async () => {
    const bench = new Bench(['a', 'b'], { shouldProbe: () => false })
    bench.behaviour.set('a', unfit)
    await bench.start()
    await bench.advance(10 * MINUTE)
    expect(bench.probes('a')).toBeGreaterThan(5)
    bench.behaviour.set('a', fit)
    bench.monitor.suspect('b', 'timeout')
    await bench.advance(MINUTE)
    expect([bench.monitor.isAvailable('a'), bench.probes('b')]).toEqual([true, 2])
    const probes = bench.probes('a')
    await bench.advance(10 * MINUTE)
    expect(bench.probes('a')).toBe(probes)
  })
})
