import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { rest } from './support/rest.js'

const RESULT =
  '{"content":[{"type":"hologram","depth":3,"x":1.0}],"structuredContent":{"big":12345678901234567890},"vendor":{"a":[1,2]},"_meta":{"k":"v"}}'

let server: FaultServer
let harness: Harness

beforeAll(async () => {
  server = await startFaultServer(undefined, {
    era: 'legacy',
    tools: [
      {
        definition: { name: 'raw', inputSchema: { type: 'object' }, 'x-vendor': [1] },
        run: () => ({ rawResult: RESULT }),
      },
      {
        definition: { name: 'echo', inputSchema: { type: 'object' } },
        run: (args) => ({ result: { content: [], structuredContent: args } }),
      },
      {
        definition: { name: 'steps', inputSchema: { type: 'object' } },
        run: (_args, { meta, notify }) => {
          notify('notifications/progress', { progressToken: meta['progressToken'], progress: 1, total: 2 })
          notify('notifications/message', { level: 'info', data: 'half' })
          return { result: { content: [{ type: 'text', text: 'done' }] } }
        },
      },
    ],
    capabilities: { tools: {}, resources: {}, prompts: {} },
    methods: {
      'resources/list': (params) =>
        params['cursor'] === undefined
          ? { result: { resources: [{ uri: 'a:1', name: 'one' }], nextCursor: 'p2' } }
          : { result: { resources: [{ uri: 'a:2', name: 'two' }] } },
      'resources/templates/list': () => ({ result: { resourceTemplates: [{ uriTemplate: 'a:{n}', name: 't' }] } }),
      'resources/read': (params) => ({ result: { contents: [{ uri: params['uri'], text: 'hello' }] } }),
      'prompts/list': () => ({ result: { prompts: [{ name: 'p' }] } }),
      'prompts/get': (params) => ({
        result: {
          description: 'd',
          messages: [{ role: 'user', content: { type: 'text', text: String(params['name']) } }],
        },
      }),
      'completion/complete': () => ({ result: { completion: { values: ['x'] } } }),
    },
  })
  harness = await startGateway({ t: [{ id: 'one', endpoint: server.url }] }, { maxBodyBytes: 100_000 })
})

afterAll(async () => {
  await harness.stop()
  await server.stop()
})

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  rest(harness.base, `/mcp/t/${path}`, body, headers)

describe('results', () => {
  it('pass byte for byte, whatever they hold', async () => {
    expect((await post('tools/call', { name: 'raw' })).text).toBe(RESULT)
  })

  it('of 5 MiB pass unharmed', async () => {
    const text = 'é'.repeat(2_500_000)
    server.setTools([
      { definition: { name: 'big', inputSchema: {} }, run: () => ({ result: { content: [{ type: 'text', text }] } }) },
    ])
    const answer = await post('tools/call', { name: 'big' })
    expect(answer.status).toBe(200)
    expect(answer.text).toBe(JSON.stringify({ content: [{ type: 'text', text }] }))
  })
})

describe('lists and reads', () => {
  it('drain all pages', async () => {
    expect((await rest(harness.base, '/mcp/t/resources/list')).json).toEqual({
      resources: [
        { uri: 'a:1', name: 'one' },
        { uri: 'a:2', name: 'two' },
      ],
      count: 2,
    })
    expect((await rest(harness.base, '/mcp/t/resources/templates/list')).json).toEqual({
      resourceTemplates: [{ uriTemplate: 'a:{n}', name: 't' }],
      count: 1,
    })
    expect((await rest(harness.base, '/mcp/t/prompts/list')).json).toEqual({ prompts: [{ name: 'p' }], count: 1 })
  })

  it('answer with what the server said', async () => {
    expect((await post('resources/read', { uri: 'a:1' })).json).toEqual({ contents: [{ uri: 'a:1', text: 'hello' }] })
    expect((await post('prompts/get', { name: 'p' })).json).toMatchObject({
      description: 'd',
      messages: [{ role: 'user' }],
    })
    expect(
      (
        await post('completion/complete', {
          ref: { type: 'ref/prompt', name: 'p' },
          argument: { name: 'a', value: '' },
        })
      ).json,
    ).toEqual({ completion: { values: ['x'] } })
  })
})

describe('a batch', () => {
  it('answers in order, one failing call failing alone', async () => {
    server.setTools([
      { definition: { name: 'echo', inputSchema: {} }, run: (args) => ({ result: { structuredContent: args } }) },
    ])
    const { status, json } = await post('tools/batch', {
      calls: [
        { id: 'a', name: 'echo', arguments: { n: 1 } },
        { name: 'nope' },
        { id: 'c', name: 'echo', arguments: { n: 3 } },
      ],
      concurrency: 2,
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      results: [
        { id: 'a', ok: true, result: { structuredContent: { n: 1 } } },
        { id: '1', ok: false, error: { status: 404, code: 'TOOL_NOT_FOUND' } },
        { id: 'c', ok: true, result: { structuredContent: { n: 3 } } },
      ],
    })
  })

  it.each([
    [{ calls: [] }],
    [{ calls: Array.from({ length: 101 }, () => ({ name: 'echo' })) }],
    [{ calls: [{ name: 'echo' }], concurrency: 0 }],
    [{ calls: [{ arguments: {} }] }],
    [{ calls: [{ name: 'echo' }], extra: 1 }],
  ])('is refused when it is %j', async (body) => {
    expect(await post('tools/batch', body)).toMatchObject({ status: 422, json: { code: 'VALIDATION_FAILED' } })
  })
})

describe('a stream', () => {
  it('carries progress and log notifications, then the result', async () => {
    server.setTools([
      {
        definition: { name: 'steps', inputSchema: {} },
        run: (_args, { meta, notify }) => {
          notify('notifications/progress', { progressToken: meta['progressToken'], progress: 1, total: 2 })
          notify('notifications/message', { level: 'info', data: 'half' })
          return { result: { content: [{ type: 'text', text: 'done' }] } }
        },
      },
    ])
    const { text, headers } = await post('tools/call', { name: 'steps' }, { accept: 'text/event-stream' })
    expect(headers.get('content-type')).toBe('text/event-stream')
    const events = text
      .trim()
      .split('\n\n')
      .map((event) => event.split('\n').map((line) => line.slice(line.indexOf(': ') + 2)))
    expect(events.map(([name]) => name)).toEqual(['message', 'message', 'result'])
    expect(JSON.parse(events[0]?.[1] ?? '')).toMatchObject({
      method: 'notifications/progress',
      params: { progress: 1, total: 2 },
    })
    expect(JSON.parse(events[2]?.[1] ?? '')).toEqual({ content: [{ type: 'text', text: 'done' }] })
  })
})

describe('bad requests', () => {
  const bad: readonly (readonly [string, unknown, number, string])[] = [
    ['broken JSON', '{"name":', 400, 'REQUEST_MALFORMED'],
    ['nothing', '', 400, 'REQUEST_MALFORMED'],
    ['an array', '[1]', 422, 'VALIDATION_FAILED'],
    ['a text', '"x"', 422, 'VALIDATION_FAILED'],
    ['no name', { arguments: {} }, 422, 'VALIDATION_FAILED'],
    ['a name that is no text', { name: 7 }, 422, 'VALIDATION_FAILED'],
    ['arguments that are no object', { name: 'echo', arguments: [1] }, 422, 'VALIDATION_FAILED'],
    ['two names', '{"name":"a","name":"b"}', 400, 'REQUEST_MALFORMED'],
    ['a name in other letters', '{"Name":"a","name":"b"}', 400, 'REQUEST_MALFORMED'],
    ['a second value behind the first', '{"name":"echo"},"x":{"y":1}', 400, 'REQUEST_MALFORMED'],
    [
      'an envelope of its own',
      { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
      422,
      'VALIDATION_FAILED',
    ],
    ['more than is accepted', { name: 'echo', arguments: { x: 'y'.repeat(200_000) } }, 413, 'BODY_TOO_LARGE'],
  ]

  it.each(bad)('with %s is refused and nothing runs', async (_, body, status, code) => {
    const before = server.totalExecutions
    expect(await post('tools/call', body)).toMatchObject({ status, json: { code, status } })
    expect(server.totalExecutions).toBe(before)
  })

  it.each([
    ['text/plain', {}, 415],
    ['application/json', { 'content-encoding': 'gzip' }, 415],
  ])('of content type %s and headers %j are refused', async (type, headers, status) => {
    expect((await post('tools/call', '{"name":"echo"}', { 'content-type': type, ...headers })).status).toBe(status)
  })

  it('to unknown operations, by wrong methods, and with impossible names get 404, 405 and 400', async () => {
    expect(await rest(harness.base, '/mcp/t/tools/nope')).toMatchObject({
      status: 404,
      json: { code: 'ROUTE_NOT_FOUND' },
    })
    const wrong = await rest(harness.base, '/mcp/t/tools/call')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST'])
    for (const name of ['%2e%2e', 'A', 'a__b', 'a_', `${'a'.repeat(33)}`]) {
      expect((await raw(`/mcp/${name}/tools/list`)).status).toBe(400)
    }
  })

  it('with a Request-Timeout that is no number are refused', async () => {
    expect(await post('tools/call', { name: 'echo' }, { 'request-timeout': 'soon' })).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_MALFORMED' },
    })
  })
})

// fetch would normalise the path.
function raw(path: string): Promise<{ status: number }> {
  const { port } = new URL(harness.base)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, path, host: '127.0.0.1' }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode ?? 0 }))
    })
    request.on('error', reject).end()
  })
}
