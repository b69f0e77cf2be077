import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { serveHttp } from '@mcp-platform/example-dual-era-server'
import { type FaultServer, startEverything, startFaultServer } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, modern } from './support/mcp.js'
import { rest } from './support/rest.js'

let harness: Harness
let old: FaultServer
const servers: { close(): Promise<void> }[] = []

beforeAll(async () => {
  const everything = await startEverything({ transport: 'streamableHttp' })
  const reference = await serveHttp({ port: 0, era: 'modern' })
  old = await startFaultServer(undefined, {
    era: 'legacy',
    capabilities: { resources: {} },
    methods: {
      'resources/read': () => ({ error: { code: -32002, message: 'Resource not found', data: { uri: 'x:1' } } }),
    },
  })
  servers.push({ close: () => everything.stop() }, reference, { close: () => old.stop() })
  harness = await startGateway({
    everything: [{ id: 'one', endpoint: everything.url }],
    reference: [{ id: 'one', endpoint: reference.url }],
    old: [{ id: 'one', endpoint: old.url }],
  })
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) await server.close()
})

it.each([
  ['everything', -32602],
  ['reference', -32602],
  ['old', -32002],
])('a resource that the server of %s does not have is a 404 over REST', async (template, code) => {
  const answer = await rest(harness.base, `/mcp/${template}/resources/read`, { uri: 'x:1' })
  expect(answer).toMatchObject({
    status: 404,
    json: { code: 'RESOURCE_NOT_FOUND', template, upstream: { code } },
  })
  expect(answer.json['detail']).toContain('x:1')
})

it('its error passes unchanged to MCP clients', async () => {
  const session = await LegacySession.open(`${harness.base}/mcp/old`)
  const answer = await session.call('resources/read', { uri: 'x:1' })
  expect(answer.response?.['error']).toEqual({ code: -32002, message: 'Resource not found', data: { uri: 'x:1' } })
  await session.end()
  const reference = await modern(`${harness.base}/mcp/reference`, 'resources/read', { uri: 'x:1' })
  expect(reference.response).toMatchObject({ error: { code: -32602 } })
})
