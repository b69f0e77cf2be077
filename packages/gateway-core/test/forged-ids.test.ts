import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Sealer } from '@mcp-platform/mcp-bridge'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { serveMirror } from './support/mirror.js'
import { type NaiveServer, serveNaive } from './support/naive-server.js'

const KEY = { kid: 'k1', key: randomBytes(32) }
const OTHER = { 'x-test-principal': 'other' }
/** One of each class of characters that a header can carry and that an id could be confused with. */
const CLASSES = ['A', 'z', '0', '9', '-', '_', '.', '=', '+', '/', '!', '~']
const DAY_MS = 24 * 3_600_000

let wallClock = 0
let harness: Harness
let mirror: Awaited<ReturnType<typeof serveMirror>>
let naive: NaiveServer

beforeAll(async () => {
  mirror = await serveMirror('legacy')
  naive = await serveNaive()
  harness = await startGateway(
    {
      mirror: [{ id: 'one', endpoint: mirror.url }],
      naive: [{ id: 'one', endpoint: naive.url }],
      twin: [{ id: 'one', endpoint: naive.url }],
    },
    { sealingKeys: [KEY], wallNow: () => Date.now() + wallClock },
  )
})

afterAll(async () => {
  await harness.stop()
  await mirror.close()
  await naive.close()
})

/** Every cut, and at every place a character of another class; what is the same text again is left out. */
function* mutants(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    yield text.slice(0, at)
    yield text.slice(at + 1)
    const instead = CLASSES[at % CLASSES.length] ?? 'A'
    yield text.slice(0, at) + (instead === text[at] ? 'B' : instead) + text.slice(at + 1)
  }
  const [version, kid, payload = ''] = text.split('.')
  for (const ending of CLASSES) yield text + ending
  yield `${version}.${kid}.${Buffer.from(payload, 'base64url').toString('base64')}x`
  yield `${version}.k2.${payload}`
  yield `v2.${kid}.${payload}`
  yield `${text}.${payload}`
}

/** The same facts as another node, with another ring, would seal them; and ours, sealed for another purpose. */
function* foreign(text: string, purpose: 'session' | 'request-state'): Generator<string> {
  const ours = new Sealer([KEY])
  const facts = Object(ours.open(purpose, text))
  expect(Object.keys(facts)).not.toHaveLength(0)
  for (const kid of ['k1', 'k2']) yield new Sealer([{ kid, key: randomBytes(32) }]).seal(purpose, facts)
  for (const other of ['session', 'request-state', 'cursor'] as const)
    if (other !== purpose) yield ours.seal(other, facts)
  yield ours.seal(purpose, {})
}

/** Messages that have reached the server, but for those by which the gateway probes it every few seconds. */
const reached = (): number => mirror.seen.filter(({ message }) => message['method'] !== 'ping').length

/** At most this many requests at once. */
async function each(texts: Iterable<string>, run: (text: string) => Promise<void>): Promise<number> {
  const waiting = texts[Symbol.iterator]()
  let count = 0
  const worker = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      count += 1
      await run(next.value)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return count
}

describe('a session id', () => {
  const url = () => `${harness.base}/mcp/mirror`
  const call = { name: 'mirror', arguments: { reply: { result: { content: [] } } } }

  async function refuses(texts: Iterable<string>): Promise<number> {
    const before = reached()
    const count = await each(texts, async (text) => {
      const answer = await new LegacySession(url(), text, {}).call('tools/call', call)
      expect([text, answer.status]).toEqual([text, 404])
    })
    expect(reached()).toBe(before)
    return count
  }

  it('that is cut, or differs in one character of any class, is unknown, and nothing reaches a server', async () => {
    const session = await LegacySession.open(url())
    expect(await refuses(mutants(session.id))).toBeGreaterThan(session.id.length * 3)
    expect((await session.call('tools/call', call)).status).toBe(200)
  })

  it('that another key or another purpose sealed is unknown', async () => {
    const session = await LegacySession.open(url())
    expect(await refuses(foreign(session.id, 'session'))).toBe(5)
  })

  it.each(['GET', 'DELETE', 'POST'])('of another principal is unknown to %s', async (method) => {
    const session = await LegacySession.open(url())
    const before = reached()
    const body =
      method === 'POST' ? JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }) : null
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': session.id,
      ...OTHER,
    }
    const response = await fetch(url(), { method, headers, body })
    await response.text()
    expect([response.status, reached()]).toEqual([404, before])
    expect((await session.call('tools/call', call)).status).toBe(200)
  })

  it('that has expired by the clock is unknown', async () => {
    const session = await LegacySession.open(url())
    wallClock = DAY_MS + 1_000
    try {
      expect(await refuses([session.id])).toBe(1)
    } finally {
      wallClock = 0
    }
  })
})

describe('a request state', () => {
  const ask = { name: 'ask', arguments: {} }
  const capabilities = { sampling: {} }
  const answers = { q1: { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' } }

  async function park(): Promise<string> {
    const { response } = await modern(`${harness.base}/mcp/naive`, 'tools/call', ask, { capabilities })
    return Object(response?.['result']).requestState
  }

  const retry = (requestState: string, headers: Record<string, string> = {}, template = 'naive') =>
    modern(
      `${harness.base}/mcp/${template}`,
      'tools/call',
      { ...ask, inputResponses: answers, requestState },
      { capabilities, headers },
    )

  async function refuses(texts: Iterable<string>): Promise<number> {
    const before = [naive.calls.length, naive.answers.length]
    const count = await each(texts, async (text) => {
      expect([text, (await retry(text)).status]).toEqual([text, 404])
    })
    expect([naive.calls.length, naive.answers.length]).toEqual(before)
    return count
  }

  async function stillGoesOn(state: string): Promise<void> {
    expect((await retry(state)).response).toMatchObject({ result: { content: [{ text: 'went on' }] } })
  }

  it('that is cut, or differs in one character of any class, continues nothing', async () => {
    const state = await park()
    expect(await refuses(mutants(state))).toBeGreaterThan(state.length * 3)
    await stillGoesOn(state)
  })

  it('that another key or another purpose sealed continues nothing', async () => {
    const state = await park()
    expect(await refuses(foreign(state, 'request-state'))).toBe(5)
    await stillGoesOn(state)
  })

  it('of another principal or another template continues nothing', async () => {
    const state = await park()
    const before = [naive.calls.length, naive.answers.length]
    expect((await retry(state, OTHER)).status).toBe(404)
    expect((await retry(state, {}, 'twin')).status).toBe(404)
    expect([naive.calls.length, naive.answers.length]).toEqual(before)
    await stillGoesOn(state)
  })

  it('that has expired by the clock continues nothing', async () => {
    const state = await park()
    wallClock = 600_001
    try {
      expect(await refuses([state])).toBe(1)
    } finally {
      wallClock = 0
    }
    await stillGoesOn(state)
  })
})
