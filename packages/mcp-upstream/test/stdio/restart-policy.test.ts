import { describe, expect, it } from '@jest/globals'
import { UpstreamChildExitedError } from '../../src/index.js'
import { RestartPolicy } from '../../src/stdio/restart-policy.js'

const failure = new UpstreamChildExitedError({ exitCode: 1, signal: null, sent: false })
const MINUTE = 60_000

function crash(policy: RestartPolicy, times: number, atMs: number): void {
  for (let n = 0; n < times; n += 1) policy.exited({ atMs, failure })
}

describe('RestartPolicy', () => {
  it('doubles the bound of the backoff from half a second to half a minute, with full jitter', () => {
    const policy = new RestartPolicy(() => 0.5)
    const waits = Array.from({ length: 9 }, (_, n) => {
      const gate = policy.exited({ atMs: n * MINUTE, failure })
      return gate.state === 'backoff' ? gate.untilMs - n * MINUTE : gate.state
    })
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  })

  it('opens when the backoff is over', () => {
    const policy = new RestartPolicy(() => 0.99)
    crash(policy, 1, 0)
    expect(policy.gate(494).state).toBe('backoff')
    expect(policy.gate(495).state).toBe('open')
  })

  it('forgets the past of a child that was ready for five minutes', () => {
    const policy = new RestartPolicy(() => 1)
    crash(policy, 4, 0)
    const gate = policy.exited({ atMs: 6 * MINUTE, readyForMs: 5 * MINUTE, failure })
    expect(gate).toEqual({ state: 'backoff', untilMs: 6 * MINUTE + 500 })
  })

  it('calls five exits within a minute a crash loop, and six in six minutes not', () => {
    const quick = new RestartPolicy(() => 0)
    crash(quick, 5, 0)
    expect(quick.gate(0)).toEqual({ state: 'crash_loop', untilMs: 5 * MINUTE })
    const slow = new RestartPolicy(() => 0)
    for (let n = 0; n < 6; n += 1) slow.exited({ atMs: n * MINUTE, failure })
    expect(slow.gate(5 * MINUTE).state).toBe('open')
  })

  it('tries once after a crash loop and doubles the pause up to half an hour', () => {
    const policy = new RestartPolicy(() => 0)
    crash(policy, 5, 0)
    const pauses = [5, 15, 35, 65, 95].map((minute) => {
      expect(policy.gate(minute * MINUTE).state).toBe('open')
      const gate = policy.exited({ atMs: minute * MINUTE, failure })
      return gate.state === 'crash_loop' ? (gate.untilMs - minute * MINUTE) / MINUTE : gate.state
    })
    expect(pauses).toEqual([10, 20, 30, 30, 30])
  })

  it('refuses at once what cannot be waited for, with the failure of the child', () => {
    const policy = new RestartPolicy(() => 1)
    crash(policy, 1, 0)
    expect(policy.refusal(0, 500)).toBeUndefined()
    expect(policy.refusal(0, 499)).toBe(failure)
    crash(policy, 4, 0)
    expect(policy.refusal(0, 500)).toMatchObject({
      code: 'UPSTREAM_CRASH_LOOP',
      retryAt: new Date(5 * MINUTE),
      sent: false,
    })
  })

  it('is cleared by an operator', () => {
    const policy = new RestartPolicy(() => 1)
    crash(policy, 9, 0)
    policy.clear()
    expect(policy.gate(0).state).toBe('open')
    expect(policy.isClear(0)).toBe(true)
  })
})
