import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { anonymous, decide } from '@mcp-platform/auth'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { NodeChildBudget } from '@mcp-platform/mcp-upstream'
import { everythingStdio, startEverything } from '@mcp-platform/test-kit'
import { connector, Gateway } from '../src/index.js'

const by = { actor: 'test' }
let gateway: Gateway
let server: Server
let base: string
let peer: Awaited<ReturnType<typeof startEverything>>

beforeAll(async () => {
  peer = await startEverything({ transport: 'streamableHttp' })
  const stdio = everythingStdio()
  const registry = new Registry({ store: new MemoryRegistryStore() })
  await registry.load()
  await registry.register({ template_name: 'everything', instance: { id: 'http', endpoint: peer.url } }, { by })
  await registry.register(
    { template_name: 'everything', instance: { id: 'stdio', command: stdio.command, args: stdio.args } },
    { by },
  )
  gateway = new Gateway({
    registry,
    connect: connector({ guard: { allowLoopback: true }, children: new NodeChildBudget(), onEvent: () => undefined }),
    authenticate: () => anonymous,
    decide,
  })
  await gateway.start()
  server = createServer((request, response) => gateway.handle(request, response, 'test'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}, 60_000)

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await gateway.close({ graceMs: 100 })
  await peer.stop()
}, 60_000)

async function call(path: string, body?: unknown): Promise<{ status: number; json: any; headers: Headers }> {
  const response = await fetch(
    `${base}${path}`,
    body === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  )
  return { status: response.status, json: await response.json(), headers: response.headers }
}

describe('the REST face', () => {
  it('shows the health of both instances', async () => {
    const { status, json } = await call('/mcp/everything/health')
    expect(json).toMatchObject({
      template_name: 'everything',
      status: 'healthy',
      total_instances: 2,
      healthy_instances: 2,
    })
    expect(status).toBe(200)
  })

  it('lists tools with the seed name of their schema', async () => {
    const { status, json } = await call('/mcp/everything/tools/list')
    expect(status).toBe(200)
    const echo = json.tools.find((tool: any) => tool.name === 'echo')
    expect(echo.parameters).toEqual(echo.inputSchema)
    expect(json.count).toBe(json.tools.length)
  })

  it('calls a tool on each instance in turn', async () => {
    const seen = new Set<string | null>()
    for (let index = 0; index < 6; index++) {
      const { status, json, headers } = await call('/mcp/everything/tools/call', {
        name: 'echo',
        arguments: { message: `n${index}` },
      })
      expect([status, json]).toEqual([200, { content: [{ type: 'text', text: `Echo: n${index}` }] }])
      seen.add(headers.get('x-gateway-instance'))
    }
    expect(seen).toEqual(new Set(['http', 'stdio']))
  })

  it('answers 404 for an unknown tool and an unknown template', async () => {
    expect(await call('/mcp/everything/tools/call', { name: 'nope' })).toMatchObject({
      status: 404,
      json: { code: 'TOOL_NOT_FOUND' },
    })
    expect(await call('/mcp/nothing/tools/list')).toMatchObject({ status: 404, json: { code: 'TEMPLATE_NOT_FOUND' } })
  })
})
