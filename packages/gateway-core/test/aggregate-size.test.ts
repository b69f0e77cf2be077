import { expect, it } from '@jest/globals'
import { type FaultServer, type Outcome, startFaultServer } from '@mcp-platform/test-kit'
import { startGateway } from './support/harness.js'
import { modern } from './support/mcp.js'

const TEMPLATES = 20
const TOOLS = 50

/** A server with many tools, whose list may be kept. */
function startServer(): Promise<FaultServer> {
  const tools = Array.from({ length: TOOLS }, (_, at) => ({
    name: `tool_${at}`,
    description: 'Does something that takes a sentence or two to describe, as most tools do.',
    inputSchema: { type: 'object', properties: { path: { type: 'string' }, limit: { type: 'integer' } } },
  }))
  const list = (): Outcome => ({ result: { tools, ttlMs: 60_000 } })
  return startFaultServer(undefined, { era: 'modern', methods: { 'tools/list': list } })
}

it('a warm list of 20 templates with 50 tools each asks no server and keeps its order', async () => {
  const servers = await Promise.all(Array.from({ length: TEMPLATES }, startServer))
  const names = servers.map((_, at) => `t${String(at).padStart(2, '0')}`)
  const templates = servers.map(({ url }, at) => [names[at], [{ id: 'one', endpoint: url }]] as const)
  const harness = await startGateway(Object.fromEntries(templates))
  try {
    const list = async (): Promise<string[]> => {
      const { response } = await modern(`${harness.base}/mcp`, 'tools/list')
      return Object(response?.['result']).tools.map(({ name }: { name: string }) => name)
    }
    const cold = await list()
    for (let at = 0; at < 10; at++) expect(await list()).toEqual(cold)
    expect(cold).toEqual(names.flatMap((name) => Array.from({ length: TOOLS }, (_, at) => `${name}__tool_${at}`)))
    expect(servers.map((server) => server.requestsFor('tools/list').length)).toEqual(servers.map(() => 1))
  } finally {
    await harness.stop()
    for (const server of servers) await server.stop()
  }
})
