import { describe, expect, it, jest } from '@jest/globals'
import { anonymous } from '@mcp-platform/auth'
import { scanEnvelope, scanReply } from '@mcp-platform/mcp-upstream'
import fc from 'fast-check'
import { type GatewayCall, newTrace } from '../src/call.js'
import { DeadlineWheel } from '../src/deadline-wheel.js'
import { settleStream } from '../src/held-stream.js'
import { Histogram } from '../src/histogram.js'
import { chain, type Interceptor } from '../src/interceptors.js'
import { requiredScope, retryClass } from '../src/methods.js'
import { plainCaller } from '../src/plain-caller.js'
import { PrincipalLimits } from '../src/principal-limits.js'
import { RetryBudget } from '../src/retry-budget.js'

function callOf(method: string): GatewayCall {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method }))
  return {
    requestId: 'r',
    face: 'rest',
    template: 't',
    principal: anonymous,
    message: { body, envelope: scanEnvelope(body) },
    caller: plainCaller(anonymous),
    signal: new AbortController().signal,
    header: () => undefined,
    trace: newTrace(),
  }
}

const json = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}')
const COMPLETE = { kind: 'complete', json, envelope: scanReply(json), status: 200 } as const

describe('interceptors', () => {
  it('cost nothing when there are none', () => {
    const handler = async () => COMPLETE
    expect(chain([], handler)).toBe(handler)
  })

  it('run first one outermost, and what they pass on is what is handled', async () => {
    const seen: string[] = []
    const handle = chain(
      [
        async (call, next) => {
          seen.push('outer')
          return next({ ...call, template: 'changed' })
        },
        async (call, next) => {
          seen.push(`inner ${call.template}`)
          return next(call)
        },
      ],
      async (call) => {
        seen.push(`handler ${call.template}`)
        return COMPLETE
      },
    )
    await handle(callOf('ping'))
    expect(seen).toEqual(['outer', 'inner changed', 'handler changed'])
  })

  it('may go on once only, since a second time would run a tool twice', async () => {
    let handled = 0
    const twice: Interceptor = async (call, next) => {
      await next(call)
      return next(call)
    }
    const handle = chain([twice], async () => {
      handled++
      return COMPLETE
    })
    await expect(handle(callOf('tools/call'))).rejects.toThrow('next() was called twice')
    expect(handled).toBe(1)
  })
})

describe('DeadlineWheel', () => {
  it('fires what is due, never early, and not what was cancelled', () => {
    jest.useFakeTimers({ now: 0 })
    const wheel = new DeadlineWheel({ now: () => Date.now() })
    const fired: string[] = []
    wheel.start(120, () => fired.push('a'))
    wheel.start(120, () => fired.push('b')).cancel()
    wheel.start(400, () => fired.push('c'))
    jest.advanceTimersByTime(119)
    expect(fired).toEqual([])
    jest.advanceTimersByTime(81)
    expect(fired).toEqual(['a'])
    jest.advanceTimersByTime(300)
    expect(fired).toEqual(['a', 'c'])
    wheel.close()
    jest.useRealTimers()
  })
})

describe('Histogram', () => {
  it('gives a percentile that is right within one bucket, and merges', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.11, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        (values) => {
          const whole = new Histogram()
          const parts = [new Histogram(), new Histogram()]
          values.forEach((value, index) => {
            whole.record(value)
            parts[index % 2]?.record(value)
          })
          const merged = new Histogram()
          for (const part of parts) merged.add(part.toJSON())
          expect(merged.percentiles()).toEqual(whole.percentiles())
          const exact = values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.5) - 1] ?? 0
          // Buckets end 25 % apart, and what is told is rounded to a hundredth of a millisecond.
          expect(whole.percentiles().p50).toBeGreaterThanOrEqual(exact - 0.006)
          expect(whole.percentiles().p50).toBeLessThanOrEqual(exact * 1.25 + 0.006)
        },
      ),
    )
  })
})

describe('RetryBudget', () => {
  it('allows three repeats on a quiet template and a fifth of the calls on a busy one', () => {
    const budget = new RetryBudget()
    budget.enter()
    expect([1, 2, 3, 4, 5].map(() => budget.tryDraw())).toEqual([true, true, true, true, false])
    budget.giveBack(4)
    for (let index = 0; index < 99; index++) budget.enter()
    let drawn = 0
    while (budget.tryDraw()) drawn++
    expect(drawn).toBe(23)
  })
})

describe('PrincipalLimits', () => {
  it('refuses the call above the cap without having run it, for that principal only', () => {
    const limits = new PrincipalLimits({ maxInFlight: 2 })
    limits.enter('a')
    limits.enter('a')
    expect(() => limits.enter('a')).toThrow(
      expect.objectContaining({ code: 'RATE_LIMITED', facts: expect.objectContaining({ executed: 'no' }) }),
    )
    limits.enter('b')
    limits.leave('a')
    limits.enter('a')
  })
})

describe('a streamed answer', () => {
  const notification = Buffer.from(
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}',
  )

  it('that holds only the response becomes a complete one', async () => {
    const reply = await settleStream({
      kind: 'stream',
      pipe: async (sink) => void (await sink.message(json, scanReply(json))),
      cancel: () => undefined,
    })
    expect(reply).toMatchObject({ kind: 'complete', json })
  })

  it('keeps its first message until somebody reads, and holds the source meanwhile', async () => {
    const sent: string[] = []
    const reply = await settleStream({
      kind: 'stream',
      cancel: () => undefined,
      pipe: async (sink) => {
        await sink.message(notification, scanReply(notification))
        sent.push('first taken')
        await sink.message(json, scanReply(json))
      },
    })
    expect([reply.kind, sent]).toEqual(['stream', []])
    const read: Buffer[] = []
    if (reply.kind === 'stream') await reply.pipe({ message: (message) => void read.push(message) })
    expect(read).toEqual([notification, json])
  })

  it('that breaks before its first message rejects where failover can still act', async () => {
    await expect(
      settleStream({ kind: 'stream', pipe: () => Promise.reject(new Error('cut')), cancel: () => undefined }),
    ).rejects.toThrow('cut')
  })
})

describe('methods', () => {
  it('that nobody listed are sent once and need the right to call tools', () => {
    expect([retryClass('vendor/anything'), requiredScope('vendor/anything')]).toEqual(['once', 'tools:call'])
    expect([retryClass('constructor'), requiredScope('tasks/update')]).toEqual(['once', 'tools:call'])
    expect(requiredScope('tools/list')).toBe('tools:read')
  })
})
