import { beforeEach, describe, expect, it } from '@jest/globals'
import { CancelledByClientError, ClientSession } from '../src/index.js'

let clock = 0
let session: ClientSession

beforeEach(() => {
  clock = 0
  session = new ClientSession({ localId: 'l', context: 'p', template: 't', now: () => clock })
})

describe('a client session', () => {
  it('cancels the call that the client names, and no other', () => {
    const one = new AbortController()
    const other = new AbortController()
    session.beginCall('1', one)
    session.beginCall('"1"', other)
    session.cancel('1')
    expect(one.signal.reason).toBeInstanceOf(CancelledByClientError)
    expect(other.signal.aborted).toBe(false)
  })

  it('gives each question an id of its own and takes the answer to it once', async () => {
    const { signal } = new AbortController()
    const first = session.ask(signal)
    const second = session.ask(signal)
    expect(first.idToken).not.toBe(second.idToken)
    expect(session.answered(second.idToken, Buffer.from('two'))).toBe(true)
    expect((await second.answer).toString()).toBe('two')
    expect(session.answered(second.idToken, Buffer.from('again'))).toBe(false)
    expect(session.answered('99', Buffer.from('of a server'))).toBe(false)
  })

  it('gives up a question with the signal', async () => {
    const abort = new AbortController()
    const { answer } = session.ask(abort.signal)
    abort.abort(new Error('enough'))
    await expect(answer).rejects.toThrow('enough')
  })

  it('finds the stream that an event id points into, and none for a foreign id', () => {
    const log = session.openStream()
    void log.append(Buffer.from('a'))
    expect(session.findStream(`${log.streamId}.1`)).toEqual({ log, sequence: 1 })
    for (const id of ['c99.1', 'c1', '../x.1', `${log.streamId}.`]) expect(session.findStream(id)).toBeUndefined()
  })

  it('keeps an unread stream for five minutes and a read one for seconds', async () => {
    const unread = session.openStream()
    const read = session.openStream()
    await read.attach({ event: () => undefined, end: () => undefined }, 0)
    session.closeStream(unread)
    session.closeStream(read)
    clock = 20_000
    session.tidy()
    expect(session.findStream(`${read.streamId}.0`)).toBeUndefined()
    expect(session.findStream(`${unread.streamId}.0`)).toBeDefined()
    clock = 301_000
    session.tidy()
    expect(session.findStream(`${unread.streamId}.0`)).toBeUndefined()
  })

  it('keeps only the newest of large ended streams', () => {
    const logs = Array.from({ length: 3 }, () => session.openStream())
    for (const log of logs) void log.append(Buffer.alloc(200 * 1024))
    for (const log of logs) session.closeStream(log)
    session.tidy()
    expect(logs.map((log) => session.findStream(`${log.streamId}.0`) !== undefined)).toEqual([false, false, true])
  })

  it('ends its calls and streams with it', async () => {
    const call = new AbortController()
    session.beginCall('1', call)
    await session.end(new Error('over'))
    await session.end(new Error('again'))
    expect([session.ended.aborted, call.signal.aborted, session.outbox.ended]).toEqual([true, true, true])
  })

  it('tells of each announcement and keeps it for the client', () => {
    const heard: string[] = []
    session.onAnnounced = (method) => heard.push(method)
    void session.announce(Buffer.from('{}'), 'notifications/tools/list_changed')
    expect(heard).toEqual(['notifications/tools/list_changed'])
    expect(session.outbox.bytes).toBe(2)
  })
})
