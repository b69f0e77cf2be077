import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  type ServerIdentity,
  scanEnvelope,
  scanReply,
  type UpstreamMessage,
  type UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import {
  type Aggregate,
  type AggregatePart,
  aggregate,
  exposedName,
  type ListItem,
  type ListMethod,
  Sealer,
} from '../../src/index.js'

const sealer = new Sealer([{ kid: 'k', key: randomBytes(32) }])
let dispatched: { template: string; message: UpstreamMessage }[] = []
let failures: { template: string; method: string }[] = []

beforeEach(() => {
  dispatched = []
  failures = []
})

type Lists = Partial<Record<ListMethod, readonly ListItem[] | 'fails' | 'hangs'>>

function part(
  template: string,
  lists: Lists,
  capabilities: Record<string, unknown> = { tools: {}, prompts: {}, resources: {} },
): AggregatePart {
  const identity: ServerIdentity = {
    era: 'modern',
    protocolVersion: '2026-07-28',
    serverInfo: { name: template, version: '1' },
    capabilities,
    instructions: `use ${template}`,
    result: {},
    learnedAt: new Date(0),
  }
  return {
    template,
    identity,
    async list(method, { signal }) {
      const items = lists[method] ?? []
      if (items === 'fails') throw new Error('down')
      if (items === 'hangs')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      const found = typeof items === 'string' ? [] : items
      const member = method === 'resources/list' ? 'uri' : 'name'
      const byName = new Map(found.map((item) => [String(item[member]), item]))
      return { items: found, ttlMs: 5_000, scope: 'public', fetchedAt: 0, byName, stale: false }
    },
  }
}

function joined(parts: readonly AggregatePart[]): Aggregate {
  return aggregate({
    parts,
    sealer,
    serverInfo: { name: 'all', version: '1' },
    partMs: 50,
    templateOfTask: () => undefined,
    onPartFailed: ({ template, method }) => failures.push({ template, method }),
    async dispatch(template, message) {
      dispatched.push({ template, message })
      const json = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}')
      return { kind: 'complete', json, envelope: scanReply(json), status: 200 }
    },
  })
}

async function ask(
  server: Aggregate,
  method: string,
  params: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  const limits = { connectMs: 1_000, idleMs: 1_000, maxAnswerBytes: 1_000_000 }
  const { signal } = new AbortController()
  const reply: UpstreamReply = await server.exchange({ body, envelope: scanEnvelope(body) }, { signal, limits })
  return reply.kind === 'complete' ? JSON.parse(reply.json.toString()) : { kind: reply.kind }
}

const named = (...names: string[]): ListItem[] => names.map((name) => ({ name, vendor: { kept: true } }))
const namesOf = (answer: Record<string, unknown>): string[] =>
  Object(answer['result']).tools.map(({ name }: ListItem) => name)

describe('the aggregate', () => {
  it('lists templates by name and each in its own order, and keeps what it does not know', async () => {
    const server = joined([part('b', { 'tools/list': named('z', 'a') }), part('a.x', { 'tools/list': named('one') })])
    const answer = await ask(server, 'tools/list')
    expect(namesOf(answer)).toEqual(['a-x__one', 'b__z', 'b__a'])
    expect(Object(answer['result']).tools[0]).toEqual({ name: 'a-x__one', vendor: { kept: true } })
    expect(answer['result']).toMatchObject({ ttlMs: 5_000, cacheScope: 'private' })
  })

  it('leaves out a part that fails or is too slow, says so, and is asked again soon', async () => {
    const server = joined([
      part('a', { 'tools/list': 'fails' }),
      part('b', { 'tools/list': named('works') }),
      part('c', { 'tools/list': 'hangs' }),
      { ...part('d', {}), identity: undefined },
    ])
    const answer = await ask(server, 'tools/list')
    expect(namesOf(answer)).toEqual(['b__works'])
    expect(Object(answer['result']).ttlMs).toBe(1_000)
    expect(failures.map(({ template }) => template).sort()).toEqual(['a', 'c', 'd'])
  })

  it('gives long lists page by page, over the borders of the parts, and takes only its own cursors', async () => {
    const many = (count: number): ListItem[] => named(...Array.from({ length: count }, (_, at) => `t${at}`))
    const server = joined([part('a', { 'tools/list': many(700) }), part('b', { 'tools/list': many(700) })])
    const first = await ask(server, 'tools/list')
    const { nextCursor } = Object(first['result'])
    const second = await ask(server, 'tools/list', { cursor: nextCursor })
    expect([...namesOf(first), ...namesOf(second)]).toHaveLength(1_400)
    expect(namesOf(second)[0]).toBe('b__t300')
    expect(Object(second['result']).nextCursor).toBeUndefined()
    for (const [method, cursor] of [
      ['tools/list', 'x'],
      ['prompts/list', nextCursor],
    ]) {
      await expect(ask(server, String(method), { cursor })).rejects.toMatchObject({ rpcCode: -32602 })
    }
  })

  it('is warm in milliseconds with 20 templates of 50 tools', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `tool_${at}`)
    const server = joined(Array.from({ length: 20 }, (_, at) => part(`t${at}`, { 'tools/list': named(...names) })))
    expect(namesOf(await ask(server, 'tools/list'))).toHaveLength(1_000)
  })

  it('sends a call to the template in its name, under the tool’s own', async () => {
    const server = joined([part('a.x', {}), part('b', {})])
    await ask(server, 'tools/call', { name: 'a-x__do__it', arguments: { name: 'b__other' } })
    expect(dispatched[0]?.template).toBe('a.x')
    expect(JSON.parse(dispatched[0]?.message.body.toString() ?? '')).toMatchObject({
      params: { name: 'do__it', arguments: { name: 'b__other' } },
    })
  })

  it('finds a tool behind a name that was cut', async () => {
    const long = `${'long_'.repeat(15)}end`
    const server = joined([part('a', { 'tools/list': named('other', long) })])
    const exposed = namesOf(await ask(server, 'tools/list'))[1] ?? ''
    expect(exposed).toHaveLength(64)
    await ask(server, 'tools/call', { name: exposed })
    expect(dispatched[0]?.message.envelope.name).toBe(long)
  })

  it.each(['nobody__tool', 'tool', '__tool', ''])('does not know "%s"', async (name) => {
    expect(await ask(joined([part('a', {})]), 'tools/call', { name })).toMatchObject({ error: { code: -32602 } })
    expect(dispatched).toEqual([])
  })

  it('reads a resource from the first part that lists it, matches it, or shows it with a tool', async () => {
    const ui = [{ name: 't', _meta: { ui: { resourceUri: 'ui://page' } } }]
    const server = joined([
      part('a', { 'resources/list': [{ uri: 'file:///a', name: 'same' }] }),
      part('b', {
        'resources/list': [
          { uri: 'file:///a', name: 'same' },
          { uri: 'file:///b', name: 'b' },
        ],
      }),
      part('c', {
        'resources/templates/list': [{ name: 'x', uriTemplate: 'db://{table}/row/{id}' }],
        'tools/list': ui,
      }),
    ])
    for (const uri of ['file:///a', 'file:///b', 'db://users/row/7', 'ui://page'])
      await ask(server, 'resources/read', { uri })
    expect(dispatched.map(({ template }) => template)).toEqual(['a', 'b', 'c', 'c'])
    expect(await ask(server, 'resources/read', { uri: 'db://users/x/row/7' })).toMatchObject({
      error: { code: -32602 },
    })
  })

  it('completes for the prompt behind a prefixed name', async () => {
    const server = joined([part('a', {}), part('b', {})])
    const argument = { name: 'x', value: 'y' }
    await ask(server, 'completion/complete', { ref: { type: 'ref/prompt', name: 'b__greet' }, argument })
    expect(dispatched[0]?.template).toBe('b')
    expect(JSON.parse(dispatched[0]?.message.body.toString() ?? '')).toMatchObject({
      params: { ref: { name: 'greet' }, argument },
    })
  })

  it('offers the union of what its parts can do', async () => {
    const server = joined([
      part('a', {}, { tools: { listChanged: true } }),
      part('b', {}, { tools: {}, resources: { subscribe: true }, tasks: {}, experimental: {} }),
    ])
    expect(await ask(server, 'server/discover')).toMatchObject({
      result: {
        capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
        instructions: '## a\n\nuse a\n\n## b\n\nuse b',
      },
    })
    expect(server.identity.capabilities).not.toHaveProperty('tasks')
  })

  it('answers an unknown method as a server would', async () => {
    expect(await ask(joined([part('a', {})]), 'vendor/x')).toMatchObject({ error: { code: -32601 } })
  })
})

it('a cut name stays the same and differs for tools that differ only at the end', () => {
  const [one, two] = ['a', 'b'].map((end) => exposedName('template', `${'x'.repeat(80)}${end}`))
  expect(one).not.toBe(two)
  expect(one).toBe(exposedName('template', `${'x'.repeat(80)}a`))
  expect(one).toHaveLength(64)
})
