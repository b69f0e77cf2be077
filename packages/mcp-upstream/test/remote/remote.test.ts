import { describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import {
  type Connection,
  UpstreamBusyError,
  UpstreamChildExitedError,
  UpstreamClosedError,
  UpstreamCrashLoopError,
  type UpstreamError,
  type UpstreamReply,
  UpstreamResetError,
  UpstreamSessionLostError,
  UpstreamTimeoutError,
} from '../../src/index.js'
import {
  ASKABLE,
  call,
  collector,
  Faulty,
  failureOf,
  message,
  PLAIN,
  phases,
  readAll,
  toolCall,
  within,
} from '../stdio/support.js'
import { lend } from './support.js'

describe('a borrowed connection', () => {
  it('tells who the server is and remembers it', async () => {
    await using loan = await lend(new Faulty())
    const identity = await loan.borrowed.identify(within())
    expect(identity).toMatchObject({ era: 'legacy', serverInfo: { name: 'fault' }, instructions: 'none' })
    expect(identity.learnedAt).toBeInstanceOf(Date)
    expect(loan.borrowed.identity).toBe(identity)
    loan.borrowed.forget()
    expect(loan.borrowed.identity).toBeUndefined()
  })

  it('carries a modern exchange with its phases', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const { seen, onPhase } = phases()
    const answer = await call(loan.borrowed.modern, toolCall('a', 'echo', { n: 1 }), within({ onPhase }))
    expect(answer).toMatchObject({ id: 'a', result: { structuredContent: { n: 1 } } })
    expect(seen).toEqual(['connecting', 'connecting', 'sent', 'headers'])
  })

  it('answers two hundred callers at once, each with its own', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => call(loan.borrowed.modern, toolCall(1, 'slow', { n, ms: n % 7 }))),
    )
    expect(answers.map(({ result }) => result['structuredContent'])).toEqual(
      Array.from({ length: 200 }, (_, n) => ({ n, ms: n % 7 })),
    )
  })

  it('carries a large message and a large answer unharmed', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const text = 'ö'.repeat(1_000_000)
    const echoed = await call(loan.borrowed.modern, toolCall(1, 'echo', { text }))
    expect(echoed.result['structuredContent']).toEqual({ text })
    const big = await call(loan.borrowed.modern, toolCall(2, 'big', { bytes: 5 * 1024 * 1024 }))
    expect(big.result['text']).toHaveLength(5 * 1024 * 1024)
  })

  it('carries a stream message by message', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const request = message({
      id: 7,
      method: 'tools/call',
      params: { name: 'progress', arguments: { steps: 3 }, _meta: { progressToken: 'p' } },
    })
    const messages = await readAll(await loan.borrowed.modern.exchange(request, within()))
    expect(messages.map(({ params, id }) => (params as { progress: number } | undefined)?.progress ?? id)).toEqual([
      1, 2, 3, 7,
    ])
  })

  it('pauses the source while the reader does not keep up', async () => {
    const endless = new EndlessConnection()
    await using loan = await lend(endless)
    const reply = await loan.borrowed.modern.exchange(toolCall(1, 'x'), within())
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    const { promise, resolve } = Promise.withResolvers<void>()
    let read = 0
    const piped = reply.pipe({
      message: (json) => {
        read += json.length
        return promise
      },
    })
    await waitFor(() => endless.paused, { what: 'the source was not paused' })
    expect(endless.sentBytes).toBeLessThan(1024 * 1024)
    expect(read).toBe(EndlessConnection.CHUNK_BYTES)
    endless.stopAfterResume = true
    resolve()
    await piped
    expect(read).toBe(endless.sentBytes)
  })

  it('cancels at the server when the caller gives up', async () => {
    const connection = new Faulty(['--modern'])
    await using loan = await lend(connection)
    const abort = new AbortController()
    const { seen, onPhase } = phases()
    const pending = loan.borrowed.modern.exchange(toolCall(1, 'hang'), within({ signal: abort.signal, onPhase }))
    await waitFor(() => seen.includes('sent'), { what: 'it was not sent' })
    abort.abort(new Error('enough'))
    expect((await failureOf(pending)).message).toBe('enough')
    await waitFor(() => connection.status().children[0]?.inFlight === 0, { what: 'still in flight' })
    const { result } = await call(loan.borrowed.modern, toolCall(2, 'cancelled'))
    expect(result['cancelled']).toHaveLength(1)
  })

  it('revives errors with their class and facts', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const crash = await failureOf(loan.borrowed.modern.exchange(toolCall(1, 'crash'), within()))
    expect(crash).toBeInstanceOf(UpstreamChildExitedError)
    expect(crash).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', exitCode: 3, signal: null, sent: true })
  })

  it('fails with UPSTREAM_CLOSED, nothing sent, when the owner has no such connection', async () => {
    await using loan = await lend(new Faulty())
    const failure = await failureOf(loan.remote.connection('other').identify(within()))
    expect(failure).toBeInstanceOf(UpstreamClosedError)
    expect(failure['sent']).toBe(false)
  })

  it('ends what was begun through it when it is closed, and leaves the connection to the others', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const pending = failureOf(loan.borrowed.modern.exchange(toolCall(1, 'hang'), within()))
    const other = loan.remote.connection('one')
    await call(other.modern, toolCall(2, 'echo'))
    await loan.borrowed.close()
    expect(await pending).toBeInstanceOf(UpstreamClosedError)
    expect((await call(other.modern, toolCall(3, 'echo', { n: 3 }))).result['structuredContent']).toEqual({ n: 3 })
    expect(await failureOf(loan.borrowed.modern.exchange(toolCall(4, 'echo'), within()))).toBeInstanceOf(
      UpstreamClosedError,
    )
  })

  it('fails what is in flight as reset when the owner goes away', async () => {
    await using loan = await lend(new Faulty(['--modern']))
    const { seen, onPhase } = phases()
    const pending = failureOf(loan.borrowed.modern.exchange(toolCall(1, 'hang'), within({ onPhase })))
    await waitFor(() => seen.includes('sent'), { what: 'it was not sent' })
    loan.lender.close()
    const failure = await pending
    expect(failure).toBeInstanceOf(UpstreamResetError)
    expect(failure['sent']).toBe(true)
    expect(await failureOf(loan.borrowed.identify(within()))).toBeInstanceOf(UpstreamClosedError)
  })
})

describe('a borrowed session', () => {
  it('carries exchanges, what the server says besides, and its questions', async () => {
    await using loan = await lend(new Faulty())
    const session = await loan.borrowed.openSession(ASKABLE, 'ann', within())
    const heard = collector()
    const listening = session.listen(heard, new AbortController().signal)
    await call(session, toolCall(1, 'changed'))
    await waitFor(() => heard.messages.length > 0, { what: 'nothing was heard' })
    expect(heard.messages[0]).toMatchObject({ method: 'notifications/tools/list_changed' })
    const reply = await session.exchange(toolCall(2, 'ask'), within())
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    const messages: Record<string, unknown>[] = []
    await reply.pipe({
      message: async (json) => {
        const received = JSON.parse(json.toString())
        messages.push(received)
        if (received.method === 'elicitation/create')
          await session.exchange(message({ id: received.id, result: { action: 'accept' } }), within())
      },
    })
    expect(messages.at(-1)).toMatchObject({ id: 2, result: { answer: { action: 'accept' } } })
    await session.close()
    await listening
    expect(session.ended.aborted).toBe(true)
  })

  it.each(['per_principal', 'exclusive'] as const)('says whose its server is (%s)', async (sharing) => {
    await using loan = await lend(new Faulty([], { sharing }))
    const session = await loan.borrowed.openSession(ASKABLE, 'ann', within())
    expect(session.ownsServer).toBe(sharing === 'exclusive')
    await session.close()
  })

  it('ends when the child exits', async () => {
    await using loan = await lend(new Faulty())
    const session = await loan.borrowed.openSession(ASKABLE, 'ann', within())
    await failureOf(session.exchange(toolCall(1, 'crash'), within()))
    await waitFor(() => session.ended.aborted, { what: 'it did not end' })
    expect(await failureOf(session.exchange(toolCall(2, 'echo'), within()))).toBeInstanceOf(UpstreamSessionLostError)
  })

  it('is leased and given back', async () => {
    await using loan = await lend(new Faulty())
    const lease = await loan.borrowed.leaseSession({ context: 'ann', init: PLAIN }, within())
    expect(lease.session.identity.serverInfo.name).toBe('fault')
    expect((await call(lease.session, toolCall(1, 'echo', { n: 1 }))).result['structuredContent']).toEqual({ n: 1 })
    lease.release()
  })

  it('is closed, and its child stops, when the borrower disappears; shared children stay', async () => {
    const connection = new Faulty()
    await using loan = await lend(connection)
    await loan.borrowed.openSession(ASKABLE, 'ann', within())
    const shared = await loan.borrowed.leaseSession({ context: 'ann', init: PLAIN }, within())
    const { result } = await call(shared.session, toolCall(1, 'echo'))
    expect(connection.status().children).toHaveLength(2)
    loan.remote.close()
    await loan.lender.closed
    await waitFor(() => connection.status().children.length === 1, { what: 'the child did not stop' })
    expect(connection.status().children[0]?.pid).toBe(result['pid'])
  })
})

describe('a shared connection', () => {
  it('lets only so many lent exchanges in, first come first served', async () => {
    const connection = new Faulty(['--modern'])
    await using loan = await lend(connection, { maxInFlight: 2 })
    const order: number[] = []
    const calls = [1, 2, 3, 4].map(async (n) => {
      await call(loan.borrowed.modern, toolCall(n, 'slow', { ms: 30 }))
      order.push(n)
      expect(connection.status().children[0]?.inFlight).toBeLessThanOrEqual(2)
    })
    await Promise.all(calls)
    expect(order).toEqual([1, 2, 3, 4])
    expect(loan.shared.inFlight).toBe(0)
  })

  it('follows a change of its cap', async () => {
    await using loan = await lend(new Faulty(['--modern']), { maxInFlight: 1 })
    const { signal } = new AbortController()
    const leave = await loan.shared.enter(signal)
    const second = loan.shared.enter(signal)
    loan.shared.maxInFlight = 2
    const leaveToo = await second
    expect(loan.shared.inFlight).toBe(2)
    leave()
    leaveToo()
    expect(() => {
      loan.shared.maxInFlight = 0
    }).toThrow(RangeError)
  })

  it('lets lent exchanges end before it closes', async () => {
    const connection = new Faulty(['--modern'])
    await using loan = await lend(connection)
    const { seen, onPhase } = phases()
    const pending = call(loan.borrowed.modern, toolCall(1, 'slow', { ms: 50, n: 1 }), within({ onPhase }))
    await waitFor(() => seen.includes('sent'), { what: 'it was not sent' })
    await loan.shared.close()
    expect((await pending).result['structuredContent']).toMatchObject({ n: 1 })
  })

  it('forgets who gave up in the line', async () => {
    await using loan = await lend(new Faulty(['--modern']), { maxInFlight: 1 })
    const first = new AbortController()
    const leave = await loan.shared.enter(first.signal)
    const second = new AbortController()
    const waiting = failureOf(Promise.resolve(loan.shared.enter(second.signal)))
    second.abort(new Error('gave up'))
    expect((await waiting).message).toBe('gave up')
    leave()
    leave()
    expect(loan.shared.inFlight).toBe(0)
  })
})

describe('an error on the wire', () => {
  it.each([
    new UpstreamBusyError({ bound: 'children', limit: 4 }),
    new UpstreamCrashLoopError({ exits: 5, retryAt: new Date(1_000) }),
    new UpstreamTimeoutError({ timer: 'first_byte', afterMs: 15_000, sent: true }),
    new UpstreamSessionLostError({ status: 404 }),
  ])('is the same again: $code', async (error: UpstreamError) => {
    await using loan = await lend(new FailingConnection(error))
    const failure = await failureOf(loan.borrowed.identify(within()))
    expect(failure).toBeInstanceOf(error.constructor)
    expect({ ...failure, message: failure.message }).toEqual({ ...error, message: error.message })
  })

  it('keeps name and message of a foreign one', async () => {
    await using loan = await lend(new FailingConnection(new TypeError('odd')))
    expect(await failureOf(loan.borrowed.identify(within()))).toMatchObject({ name: 'TypeError', message: 'odd' })
  })
})

class FailingConnection implements Connection {
  readonly identity = undefined
  readonly modern: Connection['modern']
  readonly #error: Error

  constructor(error: Error) {
    this.#error = error
    this.modern = { era: 'modern', exchange: () => Promise.reject(error) }
  }

  identify(): Promise<never> {
    return Promise.reject(this.#error)
  }

  forget(): void {}

  openSession(): Promise<never> {
    return this.identify()
  }

  leaseSession(): Promise<never> {
    return this.identify()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Sends until it is told to stop, as fast as it is let. */
class EndlessConnection extends FailingConnection {
  static readonly CHUNK_BYTES = 64 * 1024
  override readonly modern: Connection['modern'] = { era: 'modern', exchange: () => Promise.resolve(this.#reply()) }
  sentBytes = 0
  paused = false
  stopAfterResume = false

  constructor() {
    super(new Error('not asked for'))
  }

  #reply(): UpstreamReply {
    const json = Buffer.alloc(EndlessConnection.CHUNK_BYTES, 'x')
    const envelope = {
      kind: 'notification',
      id: undefined,
      method: 'x',
      params: undefined,
      result: undefined,
      error: undefined,
      progressToken: undefined,
    } as const
    return {
      kind: 'stream',
      cancel: () => undefined,
      pipe: async (sink) => {
        while (!this.stopAfterResume) {
          this.sentBytes += json.length
          const room = sink.message(json, envelope)
          if (room === undefined) continue
          this.paused = true
          await room
        }
      },
    }
  }
}
