import { describe, expect, it } from '@jest/globals'
import { quantile, Recorder } from '../load/sample.ts'
import { median, spreadRatio } from '../measure/statistics.ts'

describe('statistics', () => {
  it('the median of an even count lies between the middle two', () => {
    expect([median([]), median([3]), median([4, 1, 3]), median([4, 1, 3, 2])]).toEqual([0, 3, 3, 2.5])
  })

  it('the spread is half the range over the median', () => {
    expect(spreadRatio([80, 100, 120])).toBeCloseTo(0.2)
  })

  it('quantiles are nearest ranks', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile([7], 0.99), quantile([], 0.5)]).toEqual([
      50, 99, 7, 0,
    ])
  })

  it('a recorder keeps wrong answers out of the latencies', () => {
    const recorder = new Recorder()
    for (const latency of [3, 1, 2]) recorder.right(latency)
    recorder.wrong('first')
    recorder.wrong('second')
    expect(recorder.finish(2)).toMatchObject({
      requests: 3,
      wrong: 2,
      firstWrong: 'first',
      requestsPerSecond: 1.5,
      latencyMs: { p50: 2, p99: 3, max: 3 },
    })
  })
})
