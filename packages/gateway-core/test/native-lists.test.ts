import { afterEach, describe, expect, it } from '@jest/globals'
import { type FaultServer, type JsonObject, type Outcome, startFaultServer } from '@mcp-platform/test-kit'
import { subscribe } from './support/event-reader.js'
import { type Harness, startGateway } from './support/harness.js'
import { startListenServer } from './support/listen-server.js'
import { LegacySession, type McpAnswer, modern } from './support/mcp.js'

let harness: Harness | undefined
const servers: FaultServer[] = []

afterEach(async () => {
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.stop()
})

/** Members that no model of ours has, and numbers that no JSON.parse gives back as they were. */
const ODD = '{"name":"odd","inputSchema":{"type":"object"},"size":1.0,"big":12345678901234567890,"vendor":{"a":[null]}}'

interface Listing {
  readonly era?: 'modern' | 'legacy'
  readonly ttlMs?: number
  readonly scope?: 'public' | 'private'
  readonly pages?: readonly string[]
}

/** A server whose lists have pages; each page says which server it is of. */
async function startListing({
  era = 'modern',
  ttlMs = 0,
  scope = 'private',
  pages = [ODD],
}: Listing): Promise<FaultServer> {
  const at = servers.length
  const list = (params: JsonObject): Outcome => {
    const page = Number(String(params['cursor'] ?? '0').replace(`of-${at}-`, ''))
    if (pages[page] === undefined) return { error: { code: -32602, message: 'no such page' } }
    const next = page + 1 < pages.length ? `"nextCursor":"of-${at}-${page + 1}",` : ''
    const hints = era === 'modern' ? `"resultType":"complete","ttlMs":${ttlMs},"cacheScope":"${scope}",` : ''
    return { rawResult: `{${next}${hints}"from":${at},"tools":[${pages[page]}]}` }
  }
  const methods = { 'tools/list': list }
  const server = await startFaultServer(undefined, { era, methods, capabilities: { tools: { listChanged: true } } })
  servers.push(server)
  return server
}

let clock = 0

async function start(...listings: Listing[]): Promise<void> {
  clock = 1_000
  for (const listing of listings) await startListing(listing)
  const instances = servers.map(({ url }, index) => ({ id: `i${index}`, endpoint: url }))
  const settings = { load_balancer: { strategy: 'round_robin' } }
  harness = await startGateway({ t: instances }, { settings, now: () => clock + performance.now() / 1e9 })
}

const url = () => `${harness?.base}/mcp/t`
const list = (params: Record<string, unknown> = {}, request: Parameters<typeof modern>[3] = {}): Promise<McpAnswer> =>
  modern(url(), 'tools/list', params, request)
const resultOf = (answer: McpAnswer): Record<string, unknown> => Object(answer.response?.['result'])
const asked = (): number => servers.reduce((sum, server) => sum + server.requestsFor('tools/list').length, 0)

describe('a list that its server lets us keep', () => {
  it('is given again without asking the server, byte for byte but for what is left of its time', async () => {
    await start({ ttlMs: 60_000 })
    const first = await list()
    expect(first.text).toContain(`"tools":[${ODD}]`)
    expect(asked()).toBe(1)
    clock += 20_000
    const second = await list({}, { id: 'other' })
    expect(second.text).toContain(`"tools":[${ODD}]`)
    expect(second.response).toMatchObject({ id: 'other', result: { resultType: 'complete', ttlMs: 39_999 } })
    expect([resultOf(first)['ttlMs'], asked()]).toEqual([59_999, 1])
    clock += 40_001
    await list()
    expect(asked()).toBe(2)
  })

  it('is given to a 2025 client of the same kind without what only 2026 knows', async () => {
    await start({ ttlMs: 60_000 })
    const session = await LegacySession.open(url())
    for (let at = 0; at < 3; at++) {
      const answer = await session.call('tools/list')
      expect(answer.text).toContain(`"tools":[${ODD}]`)
      expect(Object.keys(resultOf(answer))).toEqual(['from', 'tools'])
    }
    expect(asked()).toBe(1)
    await session.end()
  })

  it('is shared between principals when it is public, and not when it is private', async () => {
    for (const [scope, fetches] of [
      ['public', 1],
      ['private', 2],
    ] as const) {
      await start({ ttlMs: 60_000, scope })
      await list()
      await list({}, { headers: { 'x-test-principal': 'other' } })
      expect(asked()).toBe(fetches)
      await harness?.stop()
      for (const server of servers.splice(0)) await server.stop()
    }
    harness = undefined
  })

  it('is another one for a client with other capabilities', async () => {
    await start({ ttlMs: 60_000 })
    await list()
    await list({}, { capabilities: { elicitation: {} } })
    await list({}, { capabilities: { elicitation: {} } })
    expect(asked()).toBe(2)
  })

  it('is read once for many who ask at the same time', async () => {
    await start({ ttlMs: 60_000 })
    await Promise.all(Array.from({ length: 20 }, () => list()))
    expect(asked()).toBe(1)
  })

  it('is forgotten when the template gets another server', async () => {
    await start({ ttlMs: 60_000 })
    await list()
    await harness?.registry.register(
      { template_name: 't', instance: { id: 'late', endpoint: servers[0]?.url } },
      { by: { actor: 'test' } },
    )
    await list()
    expect(asked()).toBe(2)
  })

  it('is not what answers a request for its progress, or one with members that nobody knows', async () => {
    await start({ ttlMs: 60_000 })
    await list()
    await list({}, { meta: { progressToken: 'p' } })
    await list({ vendor: 1 })
    expect(asked()).toBe(3)
  })
})

describe('a list of which nobody said how long it may be kept', () => {
  it.each(['modern', 'legacy'] as const)('is read anew from a %s server each time', async (era) => {
    await start({ era })
    for (let at = 1; at <= 3; at++) {
      expect((await list()).text).toContain(`"tools":[${ODD}]`)
      expect(asked()).toBe(at)
    }
  })

  it('stands in for a minute while its server fails', async () => {
    await start({})
    await list()
    await servers[0]?.setConnections('refuse')
    servers[0]?.cut()
    clock += 30_000
    expect(resultOf(await list())).toMatchObject({ from: 0, ttlMs: 0 })
    clock += 31_000
    expect((await list()).status).toBe(503)
    await servers[0]?.setConnections('accept')
  })

  it('does not stand in for an error that the server answers', async () => {
    const pages = [ODD]
    await start({ pages })
    await list()
    pages.pop()
    expect((await list({}, { id: 7 })).response).toMatchObject({
      id: 7,
      error: { code: -32602, message: 'no such page' },
    })
  })

  it('comes from the session that a 2025 client has on a 2025 server, for it may differ from session to session', async () => {
    await start({ era: 'legacy' })
    const session = await LegacySession.open(url())
    await session.call('tools/list')
    const [own] = servers[0]?.requestsFor('tools/list').slice(-1) ?? []
    await session.call('tools/list')
    const [again] = servers[0]?.requestsFor('tools/list').slice(-1) ?? []
    expect(own?.headers['mcp-session-id']).toBeDefined()
    expect(again?.headers['mcp-session-id']).toBe(own?.headers['mcp-session-id'])
    expect(asked()).toBe(2)
    await session.end()
  })
})

describe('the pages of a list', () => {
  const pages = ['{"name":"a"}', '{"name":"b"}', '{"name":"c"}']

  async function readAll(request: Parameters<typeof modern>[3] = {}): Promise<Record<string, unknown>[]> {
    const read: Record<string, unknown>[] = []
    let cursor: unknown
    do {
      const result = resultOf(await list(cursor === undefined ? {} : { cursor }, request))
      read.push(result)
      cursor = result['nextCursor']
    } while (cursor !== undefined)
    return read
  }

  it.each([
    ['that is kept', 60_000, {}],
    ['that is not', 0, {}],
    ['that is asked for past the catalogue', 0, { meta: { progressToken: 'p' } }],
  ] as const)('of a list %s all come from one instance', async (_what, ttlMs, request) => {
    await start({ pages, ttlMs }, { pages, ttlMs }, { pages, ttlMs })
    for (let at = 0; at < 4; at++) {
      const read = await readAll(request)
      expect(read.map(({ tools }) => tools)).toEqual([[{ name: 'a' }], [{ name: 'b' }], [{ name: 'c' }]])
      expect(new Set(read.map(({ from }) => from)).size).toBe(1)
    }
  })

  it('show no cursor of the server, and take none that is not of this list', async () => {
    await start({ pages })
    const { nextCursor } = resultOf(await list())
    expect(nextCursor).toMatch(/^v1\./)
    for (const cursor of ['of-0-1', 'x', `${nextCursor}x`]) {
      expect((await list({ cursor })).response).toMatchObject({ error: { code: -32602 } })
    }
    const stolen = await list({ cursor: nextCursor }, { headers: { 'x-test-principal': 'other' } })
    expect(stolen.response).toMatchObject({ error: { code: -32602 } })
    const elsewhere = await modern(url(), 'prompts/list', { cursor: nextCursor })
    expect(elsewhere.response).toMatchObject({ error: { code: -32602 } })
  })

  it('are still had from their instance when the list was read anew meanwhile, and not from another when it is gone', async () => {
    await start({ pages }, { pages })
    const first = resultOf(await list())
    await list()
    const second = resultOf(await list({ cursor: first['nextCursor'] }))
    expect([second['from'], second['tools']]).toEqual([first['from'], [{ name: 'b' }]])
    await harness?.registry.deregister('t', `i${first['from']}`, { actor: 'test' })
    expect((await list({ cursor: second['nextCursor'] })).response).toMatchObject({ error: { code: -32602 } })
  })
})

it('a server whose cursors lead in a circle is read once round', async () => {
  const methods = {
    'tools/list': (): Outcome => ({
      result: { tools: [{ name: 'a' }], nextCursor: 'same', ttlMs: 0, cacheScope: 'private' },
    }),
  }
  servers.push(await startFaultServer(undefined, { era: 'modern', methods }))
  harness = await startGateway({ t: [{ id: 'one', endpoint: servers[0]?.url }] })
  expect(resultOf(await list())['tools']).toEqual([{ name: 'a' }])
  expect(asked()).toBe(2)
})

it('a kept list is forgotten when its server says that it has changed', async () => {
  const server = await startListenServer()
  harness = await startGateway({ t: [{ id: 'one', endpoint: server.url }] })
  const gone = new AbortController()
  try {
    const reader = await subscribe(url(), { toolsListChanged: true }, gone.signal)
    await reader.until('notifications/subscriptions/acknowledged')
    await list()
    server.setTools(['two'])
    expect(resultOf(await list())['tools']).toMatchObject([{ name: 'one' }])
    server.announce('notifications/tools/list_changed')
    await reader.until('notifications/tools/list_changed')
    expect(resultOf(await list())['tools']).toMatchObject([{ name: 'two' }])
    expect(server.listed).toBe(2)
  } finally {
    gone.abort()
    await server.stop()
  }
})
