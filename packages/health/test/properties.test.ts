import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { nextSlowStartStepMs, slowStartShare } from '../src/slow-start.js'
import { Bench, fit, held, unfit } from './support.js'

const IDS = ['a', 'b', 'c', 'd', 'e']

type Step =
  | { kind: 'calls'; id: string; failed: boolean; times: number }
  | { kind: 'suspect'; id: string }
  | { kind: 'verdict'; id: string; verdict: 'fit' | 'unfit' | 'held' | 'hang' }
  | { kind: 'time'; ms: number }
  | { kind: 'admin'; id: string; state: 'active' | 'draining' | 'disabled' }
  | { kind: 'update'; ids: string[] }
  | { kind: 'advise'; id: string }

const id = fc.constantFrom(...IDS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('calls' as const), id, failed: fc.boolean(), times: fc.integer({ min: 1, max: 25 }) }),
  fc.record({ kind: fc.constant('suspect' as const), id }),
  fc.record({ kind: fc.constant('verdict' as const), id, verdict: fc.constantFrom('fit', 'unfit', 'held', 'hang') }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  fc.record({ kind: fc.constant('admin' as const), id, state: fc.constantFrom('active', 'draining', 'disabled') }),
  fc.record({ kind: fc.constant('update' as const), ids: fc.uniqueArray(id, { minLength: 1 }) }),
  fc.record({ kind: fc.constant('advise' as const), id }),
)

async function take(bench: Bench, step: Step): Promise<void> {
  const watched = 'id' in step && bench.monitor.view(step.id) !== undefined
  if (step.kind === 'time') return await bench.advance(step.ms)
  if (step.kind === 'update') bench.monitor.update(step.ids.map((id) => ({ id })))
  if (step.kind === 'calls') step.failed ? bench.fail(step.id, step.times) : bench.succeed(step.id, step.times)
  if (step.kind === 'suspect') bench.monitor.suspect(step.id, 'timeout')
  if (step.kind === 'advise') bench.monitor.advise(step.id, { state: 'closed' })
  if (step.kind === 'verdict') bench.behaviour.set(step.id, { fit, unfit, held, hang: 'hang' as const }[step.verdict])
  if (step.kind === 'admin' && watched) bench.monitor.setAdmin(step.id, { state: step.state })
  await bench.advance(0)
}

/** Everything that a balancer could ask. */
function answers(bench: Bench): unknown[] {
  const { monitor } = bench
  return IDS.map((id) => [
    monitor.isAvailable(id),
    monitor.share(id),
    monitor.penalty(id),
    monitor.acceptsPinned(id),
    monitor.lastResort(id),
  ])
}

function checkInvariants(bench: Bench): void {
  const views = bench.monitor.views()
  const active = views.filter(({ admin }) => admin.state === 'active')
  const ejected = active.filter(({ circuit }) => circuit.state !== 'closed').length
  const limit = active.length < 2 ? 0 : Math.max(1, Math.floor(active.length / 2))
  expect(ejected).toBeLessThanOrEqual(limit)
  for (const view of views) {
    expect(view.healthy).toBe(bench.monitor.isAvailable(view.id))
    expect(view.share).toBeGreaterThan(0)
    expect(view.share).toBeLessThanOrEqual(1)
    expect(bench.monitor.penalty(view.id)).toBeGreaterThanOrEqual(1)
    expect(view.score).toBeGreaterThanOrEqual(0)
    expect(view.score).toBeLessThanOrEqual(100)
    if (view.healthy) expect(bench.monitor.lastResort(view.id)).toBeUndefined()
    if (view.probe.state === 'held' || view.admin.state !== 'active') {
      expect([view.healthy, bench.monitor.lastResort(view.id)]).toEqual([false, undefined])
    }
  }
}

describe('slow start', () => {
  it('reaches the whole share in ten steps, for any length and any moment of a clock with fractions', () => {
    const length = fc.double({ min: 1, max: 1e6, noNaN: true })
    const moment = fc.double({ min: 0, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(moment, length, (fromMs, slowStartMs) => {
        const slowStart = { slowStartMs, slowStartMinShare: 0.1 }
        const shares = [slowStartShare(fromMs, fromMs, slowStart)]
        let nextMs = nextSlowStartStepMs(fromMs, fromMs, slowStart)
        for (; nextMs !== undefined && shares.length < 20; nextMs = nextSlowStartStepMs(fromMs, nextMs, slowStart)) {
          shares.push(slowStartShare(fromMs, nextMs, slowStart))
        }
        expect(shares).toHaveLength(11)
        expect(shares.at(-1)).toBe(1)
        expect(shares).toEqual(shares.toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('whatever happens', () => {
  it('the ceiling holds, held and drained targets get nothing, and each changed answer moves the version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const bench = await new Bench(['a', 'b', 'c'], { timeoutMs: 3_000 }).start()
        for (const next of steps) {
          const [before, version] = [answers(bench), bench.monitor.version]
          await take(bench, next)
          checkInvariants(bench)
          expect(bench.monitor.version).toBeGreaterThanOrEqual(version)
          if (JSON.stringify(answers(bench)) !== JSON.stringify(before))
            expect(bench.monitor.version).toBeGreaterThan(version)
        }
        expect(Math.max(...[...bench.probedAt.keys()].map((id) => bench.probes(id)))).toBeGreaterThan(0)
        await bench.monitor.close()
        expect(bench.scheduler.pending).toBe(0)
      }),
      { numRuns: 150 },
    )
  })

  it('an ejection never takes the last target that was available', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(id, fc.integer({ min: 1, max: 30 })), { maxLength: 30 }), async (calls) => {
        const bench = await new Bench(IDS).start()
        for (const [id, times] of calls) bench.fail(id, times)
        expect(IDS.some((id) => bench.monitor.isAvailable(id))).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('everything is healthy again when all probes and calls go well for long enough', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const bench = await new Bench(IDS, { timeoutMs: 3_000 }).start()
        for (const next of steps) await take(bench, next)
        bench.monitor.update(IDS.map((id) => ({ id })))
        for (const id of IDS) {
          bench.behaviour.set(id, fit)
          bench.monitor.setAdmin(id, { state: 'active' })
        }
        await bench.advance(900_000)
        expect(IDS.map((id) => [bench.status(id), bench.monitor.share(id)])).toEqual(IDS.map(() => ['healthy', 1]))
      }),
      { numRuns: 60 },
    )
  })

  it('the same steps on the same clock give the same events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const runs = [await new Bench(IDS).start(), await new Bench(IDS).start()]
        for (const bench of runs) for (const next of steps) await take(bench, next)
        expect(runs[0]?.events).toEqual(runs[1]?.events)
      }),
      { numRuns: 30 },
    )
  })

  it('more failures never lower the failure ratio, more successes never raise it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (calls) => {
        const bench = await new Bench(['a']).start()
        for (const failed of calls) {
          const before = bench.monitor.view('a')?.failureRatio ?? 0
          bench.monitor.observe('a', { outcome: failed ? 'failure' : 'success' })
          const after = bench.monitor.view('a')?.failureRatio ?? 0
          expect(failed ? after >= before : after <= before).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
  })
})
