import { describe, expect, it } from '@jest/globals'
import { GatewayClient } from '../src/index.js'
import { sendJson, startFakeGateway } from './fake-gateway.js'

describe('GatewayClient', () => {
  it('gives tools exactly as the server gave them', async () => {
    const tools = [
      { name: 'read', inputSchema: { type: 'object' }, parameters: { type: 'object' }, 'x-vendor': [1, null] },
    ]
    await using gateway = await startFakeGateway((_, response) => sendJson(response, { tools, count: 1 }))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    expect(await client.listTools('fs')).toEqual(tools)
    expect(gateway.seen[0]).toMatchObject({ method: 'GET', url: '/mcp/fs/tools/list' })
  })

  it('sends a tool call as the REST form has it and returns the result verbatim', async () => {
    const result = {
      content: [{ type: 'hologram', depth: 3 }],
      structuredContent: { a: 1 },
      isError: true,
      extra: 'kept',
    }
    await using gateway = await startFakeGateway((_, response) => sendJson(response, result))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    expect(await client.callTool('fs', 'read', { path: '/x' }, { idempotencyKey: 'k-1' })).toEqual(result)
    expect(gateway.seen[0]?.body).toEqual({ name: 'read', arguments: { path: '/x' } })
    expect(gateway.seen[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': 'k-1' })
  })

  it('lets the gateway give up a little before itself', async () => {
    await using gateway = await startFakeGateway()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.callTool('fs', 'read', {}, { timeoutMs: 5_000 })
    expect(Number(gateway.seen[0]?.headers['request-timeout'])).toBeCloseTo(4.5)
  })

  it('leaves the deadline to the template when the caller names none', async () => {
    await using gateway = await startFakeGateway()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.callTool('fs', 'read')
    expect(gateway.seen[0]?.headers['request-timeout']).toBeUndefined()
  })

  it.each([
    ['an API key', { apiKey: 'mcpp_k' }, { 'x-api-key': 'mcpp_k' }],
    ['a token', { authToken: 't0ken' }, { authorization: 'Bearer t0ken' }],
    ['a token made on demand', { authToken: async () => 'fresh' }, { authorization: 'Bearer fresh' }],
  ])('sends %s where it belongs', async (_, credential, headers) => {
    await using gateway = await startFakeGateway()
    await using client = new GatewayClient({ baseUrl: gateway.url, ...credential })
    await client.gatewayHealth()
    expect(gateway.seen[0]?.headers).toMatchObject(headers)
  })

  it('keeps a path of the base URL in front of every path', async () => {
    await using gateway = await startFakeGateway()
    await using client = new GatewayClient({ baseUrl: `${gateway.url}/tools/gateway/` })
    await client.stats()
    expect(gateway.seen[0]?.url).toBe('/tools/gateway/gateway/stats')
  })

  it('asks the management listener for what is not MCP traffic', async () => {
    await using gateway = await startFakeGateway()
    await using management = await startFakeGateway()
    await using client = new GatewayClient({ baseUrl: gateway.url, managementUrl: management.url })
    await client.stats()
    await client.templateHealth('fs')
    expect(management.seen.map(({ url }) => url)).toEqual(['/gateway/stats'])
    expect(gateway.seen.map(({ url }) => url)).toEqual(['/mcp/fs/health'])
  })

  it('maps every operation to its method and path', async () => {
    await using gateway = await startFakeGateway((_, response) =>
      sendJson(response, { resources: [], resourceTemplates: [], prompts: [], templates: [], results: [] }),
    )
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.callTools('t', [{ name: 'a' }], { concurrency: 2 })
    await client.listResources('t')
    await client.listResourceTemplates('t')
    await client.readResource('t', 'file:///x')
    await client.listPrompts('t')
    await client.getPrompt('t', 'p', { a: '1' })
    await client.complete('t', { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: '' } })
    await client.templateHealth('t')
    await client.registry()
    await client.templates()
    await client.template('t')
    await client.updateTemplate('t', { load_balancer: { strategy: 'random', timeout: null } })
    await client.register({ template_name: 't', instance: { endpoint: 'http://h/' } }, { probe: true, replace: true })
    await client.deregister('t', 'i', { force: true })
    await client.drain('t', 'i')
    await client.enable('t', 'i')
    await client.sync({ dryRun: true })
    await client.explain('t')
    await client.export()
    await client.import({ templates: {} }, { dryRun: true })
    expect(gateway.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /mcp/t/tools/batch',
      'GET /mcp/t/resources/list',
      'GET /mcp/t/resources/templates/list',
      'POST /mcp/t/resources/read',
      'GET /mcp/t/prompts/list',
      'POST /mcp/t/prompts/get',
      'POST /mcp/t/completion/complete',
      'GET /mcp/t/health',
      'GET /gateway/registry',
      'GET /gateway/templates',
      'GET /gateway/templates/t',
      'PATCH /gateway/templates/t',
      'POST /gateway/register?replace=true&probe=true',
      'DELETE /gateway/deregister/t/i?force=true',
      'PATCH /gateway/templates/t/instances/i',
      'PATCH /gateway/templates/t/instances/i',
      'POST /gateway/sync?dry_run=true',
      'GET /gateway/explain?template=t',
      'GET /gateway/export',
      'POST /gateway/import?dry_run=true',
    ])
    expect(gateway.seen[14]?.body).toEqual({ state: 'draining' })
    expect(gateway.seen[15]?.body).toEqual({ state: 'active' })
  })
})

describe('options', () => {
  it.each([
    [{ baseUrl: 'localhost:8080' }, 'baseUrl'],
    [{ baseUrl: 'http://user:secret@h/' }, 'baseUrl'],
    [{ baseUrl: 'http://h/?a=1' }, 'baseUrl'],
    [{ baseUrl: 'http://h', timeoutMs: 0 }, 'timeoutMs'],
    [{ baseUrl: 'http://h', callTimeoutMs: 2 ** 31 }, 'callTimeoutMs'],
    [{ baseUrl: 'http://h', maxRetries: -1 }, 'maxRetries'],
    [{ baseUrl: 'http://h', apiKey: 'a b' }, 'apiKey'],
    [{ baseUrl: 'http://h', apiKey: 'a', authToken: 'b' }, 'not both'],
  ])('refuses %j', (options, word) => {
    expect(() => new GatewayClient(options)).toThrow(word)
  })

  it('never repeats a secret in its message', () => {
    expect(() => new GatewayClient({ baseUrl: 'http://h', apiKey: 'top secret' })).not.toThrow(/top/)
    expect(() => new GatewayClient({ baseUrl: 'http://u:hunter2@h' })).not.toThrow(/hunter2/)
  })
})
