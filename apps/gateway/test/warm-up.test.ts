import { describe, expect, it } from '@jest/globals'
import { warmUp } from '../src/warm-up/warm-up.js'
import { start } from './helpers.js'

describe('the warm-up', () => {
  it('makes calls that all succeed, until its time is over', async () => {
    const errors: unknown[] = []
    const calls = await warmUp({ maxMs: 2_000, onError: (error) => errors.push(error) })
    expect(errors).toEqual([])
    expect(calls).toBeGreaterThan(20)
    expect(calls).toBeLessThanOrEqual(3_000)
  })

  it('ends with its signal', async () => {
    const calls = await warmUp({
      maxMs: 3_600_000,
      signal: AbortSignal.abort(),
      onError: (error) => expect(error).toBeUndefined(),
    })
    expect(calls).toBe(0)
  })

  it('leaves no trace in the gateway that is warmed up', async () => {
    const gateway = await start({ flags: { 'warm-up': 0.5 } })
    const { json } = await gateway.admin('GET', '/gateway/stats')
    expect(json).toMatchObject({ templates: {}, gateway: { requests_total: 0 } })
    expect(gateway.logs.join('')).not.toContain('warm')
  })
})
