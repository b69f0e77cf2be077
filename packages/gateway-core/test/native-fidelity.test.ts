import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { serveMirror } from './support/mirror.js'

const script = fileURLToPath(new URL('./support/mirror.ts', import.meta.url))
const SERVERS = ['legacy-http', 'modern-http', 'legacy-stdio', 'modern-stdio'] as const

let harness: Harness
const mirrors: Awaited<ReturnType<typeof serveMirror>>[] = []

beforeAll(async () => {
  const legacy = await serveMirror('legacy')
  const modernMirror = await serveMirror('modern')
  mirrors.push(legacy, modernMirror)
  harness = await startGateway({
    'legacy-http': [{ id: 'one', endpoint: legacy.url }],
    'modern-http': [{ id: 'one', endpoint: modernMirror.url }],
    'legacy-stdio': [{ id: 'one', command: process.execPath, args: [script, 'legacy'] }],
    'modern-stdio': [{ id: 'one', command: process.execPath, args: [script, 'modern'] }],
  })
})

afterAll(async () => {
  await harness.stop()
  for (const mirror of mirrors) await mirror.close()
})

/** Members that the bridging table names: a gateway may write or take them. */
const OF_THE_PROTOCOL = ['resultType', 'ttlMs', 'cacheScope', 'requestState', 'inputRequests', 'nextCursor', '_meta']

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme' })
const members = fc
  .dictionary(fc.oneof(text, fc.constantFrom('content', 'structuredContent', 'isError', 'tools', 'unknown')), json, {
    maxKeys: 6,
  })
  .filter((result) => OF_THE_PROTOCOL.every((name) => !(name in result)) && !('__proto__' in result))
const result = fc.tuple(members, fc.option(fc.dictionary(fc.constantFrom('vendor/a', 'b'), json), { nil: undefined }))
const error = fc.record({
  code: fc.oneof(fc.integer({ min: 1, max: 9_999 }), fc.constantFrom(-32603, -32050)),
  message: text,
  data: json,
})
const method = fc.constantFrom('vendor/anything', 'tools/call', 'prompts/get')

function without(value: unknown): unknown {
  const { resultType, ttlMs, cacheScope, _meta, ...rest } = Object(value)
  const { 'io.modelcontextprotocol/serverInfo': _info, ...meta } = Object(_meta ?? {})
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}

function paramsOf(called: string, reply: unknown): Record<string, unknown> {
  return called === 'vendor/anything' ? { reply } : { name: 'mirror', arguments: { reply } }
}

describe.each(SERVERS)('%s', (template) => {
  const url = () => `${harness.base}/mcp/${template}`

  it('gives a 2026 client any result and any error as it said it', async () => {
    await fc.assert(
      fc.asyncProperty(method, result, error, async (called, [plain, meta], failure) => {
        const said = meta && Object.keys(meta).length > 0 ? { ...plain, _meta: meta } : plain
        const good = await modern(url(), called, paramsOf(called, { result: said }))
        expect(without(good.response?.['result'])).toEqual(JSON.parse(JSON.stringify(said)))
        const bad = await modern(url(), called, paramsOf(called, { error: failure }))
        expect(bad.response?.['error']).toEqual(JSON.parse(JSON.stringify(failure)))
      }),
      { numRuns: 40 },
    )
  })

  it('gives a 2025 client any result and any error as it said it', async () => {
    const session = await LegacySession.open(url())
    await fc.assert(
      fc.asyncProperty(method, result, error, async (called, [plain, meta], failure) => {
        const said = meta && Object.keys(meta).length > 0 ? { ...plain, _meta: meta } : plain
        const good = await session.call(called, paramsOf(called, { result: said }))
        expect(without(good.response?.['result'])).toEqual(JSON.parse(JSON.stringify(said)))
        const bad = await session.call(called, paramsOf(called, { error: failure }))
        expect(bad.response?.['error']).toEqual(JSON.parse(JSON.stringify(failure)))
      }),
      { numRuns: 40 },
    )
    await session.end()
  })

  it('answers to the id that was asked with, whatever it is', async () => {
    for (const id of [0, -7, 9_007_199_254_740_991, 'a', '', '7', '\u{1F642}"\\']) {
      const answer = await modern(url(), 'vendor/anything', { reply: { result: {} } }, { id })
      expect(answer.response?.['id']).toBe(id)
    }
  })
})

describe('arguments that are mirrored into headers', () => {
  const call = (region: unknown) => ({ name: 'mirror', arguments: { region, reply: { result: { content: [] } } } })

  it('are written for a 2025 client of a modern HTTP server', async () => {
    const session = await LegacySession.open(`${harness.base}/mcp/modern-http`)
    await session.call('tools/call', call('Zürich'))
    const headers = mirrors[1]?.seen.at(-1)?.headers
    expect(headers).toMatchObject({
      'mcp-name': 'mirror',
      'mcp-param-region': `=?base64?${Buffer.from('Zürich').toString('base64')}?=`,
    })
    await session.end()
  })

  it.each(['legacy-http', 'legacy-stdio', 'modern-stdio'])('are checked in front of %s', async (template) => {
    const url = `${harness.base}/mcp/${template}`
    const wrong = await modern(url, 'tools/call', call('eu'), { headers: { 'mcp-param-region': 'us' } })
    expect([wrong.status, wrong.response?.['error']]).toMatchObject([400, { code: -32020 }])
    const missing = await modern(url, 'tools/call', call('eu'))
    expect([missing.status, missing.response?.['error']]).toMatchObject([400, { code: -32020 }])
    const right = await modern(url, 'tools/call', call('eu'), { headers: { 'mcp-param-region': 'eu' } })
    expect([right.status, right.response?.['result']]).toMatchObject([200, { content: [] }])
  })
})
