import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import { HttpConnection, scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import { type ParkedCall, ParkedCalls, type ParkedCallsOptions, Sealer } from '../src/index.js'

let clock = 0
const parked: ParkedCalls[] = []
const connection = new HttpConnection({ url: 'http://127.0.0.1:9/mcp', guard: { allowLoopback: true } })
const sealer = new Sealer([{ kid: 'k', key: randomBytes(32) }])

function calls(options: Partial<ParkedCallsOptions> = {}): ParkedCalls {
  const made = new ParkedCalls({ sealer, home: 'main', wallNow: () => clock, ...options })
  parked.push(made)
  return made
}

afterEach(async () => {
  clock = 0
  for (const made of parked.splice(0)) await made.close()
})

function call(context = 'ada'): ParkedCall & { reason: unknown } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    context,
    connection,
    ended: promise,
    reason: undefined,
    answer: () => undefined,
    next: () => Promise.resolve({ kind: 'accepted' }),
    abandon(reason) {
      this.reason = reason
      resolve()
    },
  }
}

function request(params: Record<string, unknown> = {}): UpstreamMessage {
  const body = Buffer.from(
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 't', arguments: { a: 1 }, ...params },
    }),
  )
  return { body, envelope: scanEnvelope(body) }
}

const gone = expect.objectContaining({ rpcCode: -32602, status: 404 })

describe('parked calls', () => {
  it('are continued by the same request of the same principal, once', () => {
    const waiting = calls()
    const one = call()
    const requestState = waiting.park(one, request())
    expect(waiting.take(request({ requestState }), 'ada')).toBe(one)
    expect(() => waiting.take(request({ requestState }), 'ada')).toThrow(gone)
  })

  it('do not concern a request without a state', () => {
    expect(calls().take(request(), 'ada')).toBeUndefined()
  })

  it('are not continued by another principal, another request, or a state that is forged, cut or expired', () => {
    const waiting = calls()
    const requestState = waiting.park(call(), request())
    expect(() => waiting.take(request({ requestState }), 'eve')).toThrow(gone)
    expect(() => waiting.take(request({ requestState, arguments: { a: 2 } }), 'ada')).toThrow(gone)
    expect(() => waiting.take(request({ requestState: requestState.slice(1) }), 'ada')).toThrow(gone)
    clock = 600_001
    expect(() => waiting.take(request({ requestState }), 'ada')).toThrow(gone)
  })

  it('give up the one of a principal that has waited longest to make room', async () => {
    const waiting = calls()
    const [others, first, second] = [call('eve'), call(), call()]
    for (const one of [others, first, second]) waiting.park(one, request())
    expect(await waiting.evict('ada', connection)).toBe(true)
    expect([others.reason, second.reason]).toEqual([undefined, undefined])
    expect(first.reason).toBeInstanceOf(Error)
    expect(await waiting.evict('bob', connection)).toBe(false)
  })

  it('keep the result of a call that did not wait for the answer', async () => {
    const waiting = calls()
    const one = call()
    const requestState = waiting.park(one, request())
    one.abandon('over')
    await one.ended
    expect(await waiting.evict('ada', connection)).toBe(false)
    expect(waiting.take(request({ requestState }), 'ada')).toBe(one)
  })

  it('are bounded in number', () => {
    const waiting = calls({ maxParked: 1 })
    expect(waiting.hasRoom).toBe(true)
    waiting.park(call(), request())
    expect(waiting.hasRoom).toBe(false)
  })

  it('are given up when nobody answers in time', async () => {
    const waiting = calls({ maxParkedMs: 5 })
    const one = call()
    waiting.park(one, request())
    await one.ended
    expect([one.reason, waiting.size]).toEqual([expect.any(Error), 0])
  })
})
