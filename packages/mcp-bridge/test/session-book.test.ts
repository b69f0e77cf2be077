import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { ServerIdentity, UpstreamSession } from '@mcp-platform/mcp-upstream'
import {
  Sealer,
  SessionBook,
  type SessionBookOptions,
  SessionNotFoundError,
  TooManySessionsError,
} from '../src/index.js'

let clock = 0
const books: SessionBook[] = []
const key = { kid: 'k1', key: randomBytes(32) }

function book(options: Partial<SessionBookOptions> = {}): SessionBook {
  const made = new SessionBook({
    sealer: new Sealer([key]),
    home: 'main',
    now: () => clock,
    wallNow: () => clock,
    ...options,
  })
  books.push(made)
  return made
}

afterEach(async () => {
  clock = 0
  for (const made of books.splice(0)) await made.close()
})

describe('a session book', () => {
  it('finds a session for its principal and template, and for nobody else', () => {
    const sessions = book()
    const session = sessions.create('ada', 't')
    const id = sessions.idOf(session)
    expect(sessions.require(id, 'ada', 't')).toBe(session)
    expect(() => sessions.require(id, 'eve', 't')).toThrow(SessionNotFoundError)
    expect(() => sessions.require(id, 'ada', 'other')).toThrow(SessionNotFoundError)
    expect(() => sessions.require(id, 'ada', undefined)).toThrow(SessionNotFoundError)
  })

  it('knows no id that is forged, cut, expired, or sealed with another key', () => {
    const sessions = book({ maxAgeMs: 1_000 })
    const id = sessions.idOf(sessions.create('ada', 't'))
    const foreign = book({ sealer: new Sealer([{ kid: 'k1', key: randomBytes(32) }]) })
    const forged = foreign.idOf(foreign.create('ada', 't'))
    for (const bad of [id.slice(0, -1), `${id}A`, forged, '', 'v1.k1.']) {
      expect(() => sessions.require(bad, 'ada', 't')).toThrow(SessionNotFoundError)
    }
    clock = 1_001
    expect(() => sessions.require(id, 'ada', 't')).toThrow(SessionNotFoundError)
  })

  it('opens ids of a key that was rotated out of the first place', () => {
    const old = book()
    const session = old.create('ada', 't')
    const rotated = book({ sealer: new Sealer([{ kid: 'k2', key: randomBytes(32) }, key]) })
    expect(rotated.read(old.idOf(session))).toMatchObject({ home: 'main', localId: session.localId, template: 't' })
  })

  it('says nothing of what an id carries to who has no key', () => {
    const sessions = book()
    const id = sessions.idOf(sessions.create('ada@example.org', 'secret-template'))
    const text = Buffer.from(id.split('.')[2] ?? '', 'base64url').toString('latin1')
    expect(text).not.toContain('secret-template')
  })

  it('ends idle sessions and spares those that were used', async () => {
    const sessions = book({ idleMs: 1_000 })
    const idle = sessions.create('ada', 't')
    const used = sessions.create('ada', 't')
    const id = sessions.idOf(used)
    clock = 900
    sessions.require(id, 'ada', 't')
    clock = 1_100
    sessions.sweep()
    expect([idle.ended.aborted, used.ended.aborted, sessions.size]).toEqual([true, false, 1])
  })

  it('ends a session at its absolute age, however busy', () => {
    const sessions = book({ maxAgeMs: 5_000 })
    const session = sessions.create('ada', 't')
    session.beginCall('1', new AbortController())
    clock = 5_001
    sessions.sweep()
    expect(session.ended.aborted).toBe(true)
  })

  it('gives a principal at its bound the place of its longest unused session, and never another principal’s', () => {
    const sessions = book({ maxPerPrincipal: 2, maxSessions: 3 })
    const eves = sessions.create('eve', 't')
    const [first, second] = [sessions.create('ada', 't'), sessions.create('ada', 't')]
    expect(() => sessions.create('ada', 't')).toThrow(TooManySessionsError)
    clock = 61_000
    second.lastUsedAt = clock
    sessions.create('ada', 't')
    expect([first.ended.aborted, second.ended.aborted, eves.ended.aborted]).toEqual([true, false, false])
    expect(() => sessions.create('bob', 't')).toThrow(TooManySessionsError)
  })

  it('lets go of 10,000 sessions that were opened and abandoned', () => {
    const sessions = book({ idleMs: 1_000, maxPerPrincipal: 10_000 })
    const kept = Array.from({ length: 10_000 }, () => new WeakRef(sessions.create('ada', 't')))
    expect(() => sessions.create('ada', 't')).toThrow(TooManySessionsError)
    clock = 1_001
    sessions.sweep()
    expect(sessions.size).toBe(0)
    expect(kept.every((ref) => ref.deref()?.ended.aborted ?? true)).toBe(true)
    expect(sessions.create('ada', 't').ended.aborted).toBe(false)
  })

  it('tells a server of 1,000 expired sessions 32 at a time, and another server meanwhile', async () => {
    const sessions = book({ idleMs: 1_000, maxPerPrincipal: 10_000 })
    const slow = new FakeServer()
    const other = new FakeServer()
    for (let count = 0; count < 1_000; count++) sessions.create('ada', 'slow').upstream = slow.session()
    sessions.create('ada', 'other').upstream = other.session()
    clock = 1_001
    sessions.sweep()
    expect([sessions.size, sessions.closing, slow.closing.length, other.closing.length]).toEqual([0, 1_001, 32, 1])
    const closed = sessions.close()
    while (slow.closed < 1_000) {
      expect(slow.closing.length).toBeLessThanOrEqual(32)
      slow.answer()
      await Promise.resolve()
    }
    other.answer()
    await closed
    expect(sessions.closing).toBe(0)
  })

  it('leaves servers that do not answer to themselves when it is closed', async () => {
    const sessions = book({ closeMs: 10 })
    const server = new FakeServer()
    for (let count = 0; count < 100; count++) sessions.create('ada', 't').upstream = server.session()
    await sessions.close()
    expect([sessions.size, server.closing.length]).toEqual([0, 32])
    server.answer()
    await Promise.resolve()
    expect([server.closed, server.closing.length]).toEqual([32, 0])
  })
})

/** Sessions whose DELETE is answered when the test says so. */
class FakeServer {
  closing: (() => void)[] = []
  closed = 0

  session(): UpstreamSession {
    const unused = (): Promise<never> => Promise.reject(new Error('not used here'))
    return {
      era: 'legacy',
      identity: IDENTITY,
      sessionId: undefined,
      ended: new AbortController().signal,
      exchange: unused,
      listen: unused,
      close: () => new Promise((resolve) => this.closing.push(resolve)),
    }
  }

  answer(): void {
    const waiting = this.closing
    this.closing = []
    this.closed += waiting.length
    for (const resolve of waiting) resolve()
  }
}

const IDENTITY: ServerIdentity = {
  era: 'legacy',
  protocolVersion: '2025-11-25',
  serverInfo: { name: 'fake', version: '1' },
  capabilities: {},
  result: {},
  learnedAt: new Date(0),
}
