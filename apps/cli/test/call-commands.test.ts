import type { ServerResponse } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { against } from './against.js'

describe('gateway call', () => {
  const schema = {
    type: 'object',
    properties: {
      path: { type: 'string' },
      count: { type: 'integer' },
      deep: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'number' } },
    },
  }
  const routes = {
    'GET /mcp/t/tools/list': { tools: [{ name: 'x', inputSchema: schema }], count: 1 },
    'POST /mcp/t/tools/call': { content: [{ type: 'text', text: 'done' }] },
  }

  it("converts arguments as the tool's schema says", async () => {
    const given = ['path=007', 'count=3', 'deep=true', 'tags=1', 'tags=2', 'other=x', 'raw:={"a":[1]}']
    const args = ['gateway', 'call', 't', 'x', ...given.flatMap((pair) => ['--arg', pair])]
    const { seen, stdout } = await against(routes, args)
    expect(stdout).toBe('done\n')
    expect(seen[1]?.body).toEqual({
      name: 'x',
      arguments: { path: '007', count: 3, deep: true, tags: [1, 2], other: 'x', raw: { a: [1] } },
    })
  })

  it('refuses what does not fit before it calls', async () => {
    const { seen, code, stderr } = await against(routes, ['gateway', 'call', 't', 'x', '--arg', 'count=many'])
    expect(code).toBe(2)
    expect(stderr).toContain('--arg count expects integer, got "many"')
    expect(seen).toHaveLength(1)
  })

  it('takes all arguments as JSON, from the command line or from standard input', async () => {
    const direct = await against(routes, ['gateway', 'call', 't', 'x', '--args', '{"count":1}'])
    expect(direct.seen.map(({ body }) => body)).toEqual([{ name: 'x', arguments: { count: 1 } }])
    const piped = await against(routes, ['gateway', 'call', 't', 'x', '-'], { input: '{"count":2}' })
    expect(piped.seen.map(({ body }) => body)).toEqual([{ name: 'x', arguments: { count: 2 } }])
  })

  it("ends with 1 when the tool reports an error, and keeps the tool's words off stdout", async () => {
    const failed = { content: [{ type: 'text', text: 'no such file' }], isError: true }
    const args = ['gateway', 'call', 't', 'x']
    const { code, stdout, stderr } = await against({ ...routes, 'POST /mcp/t/tools/call': failed }, args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('The tool reports an error:\nno such file\n')
  })

  it('prints structured content where there is no other, and one line for what is no text', async () => {
    const args = ['gateway', 'call', 't', 'x']
    const structured = await against({ ...routes, 'POST /mcp/t/tools/call': { structuredContent: { a: 1 } } }, args)
    expect(JSON.parse(structured.stdout)).toEqual({ a: 1 })
    const image = { content: [{ type: 'image', mimeType: 'image/png', data: 'AAAA' }] }
    const binary = await against({ ...routes, 'POST /mcp/t/tools/call': image }, args)
    expect(binary.stdout).toBe('[image image/png, 3 bytes]\n')
  })

  it('shows progress and log messages on stderr with --stream', async () => {
    const stream = (response: ServerResponse) => {
      const send = (event: string, data: unknown) =>
        response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      send('message', {
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progress: 1, total: 2, message: 'half' },
      })
      send('message', { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } })
      send('result', { content: [{ type: 'text', text: 'done' }] })
      response.end()
    }
    const args = ['gateway', 'call', 't', 'x', '--stream']
    const { stdout, stderr } = await against({ 'POST /mcp/t/tools/call': stream }, args)
    expect(stdout).toBe('done\n')
    expect(stderr).toBe('1/2 half\n[info] working\n')
  })
})

describe('reading', () => {
  it('writes binary content of a resource as it is', async () => {
    const contents = [{ uri: 'x:y', blob: Buffer.from('binary!').toString('base64') }]
    const { stdout } = await against({ 'POST /mcp/t/resources/read': { contents } }, ['gateway', 'read', 't', 'x:y'])
    expect(stdout).toBe('binary!')
  })

  it('fills in a prompt', async () => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Hello Ada' } }]
    const args = ['gateway', 'prompt', 't', 'greet', '--arg', 'name=Ada']
    const { stdout, seen } = await against({ 'POST /mcp/t/prompts/get': { messages } }, args)
    expect(stdout).toBe('user: Hello Ada\n')
    expect(seen[0]?.body).toEqual({ name: 'greet', arguments: { name: 'Ada' } })
  })

  it('lists resources, URI templates and prompts', async () => {
    const routes = {
      'GET /mcp/t/resources/list': { resources: [{ uri: 'file:///a', name: 'a' }], count: 1 },
      'GET /mcp/t/resources/templates/list': { resourceTemplates: [{ uriTemplate: 'file:///{p}' }], count: 1 },
      'GET /mcp/t/prompts/list': {
        prompts: [{ name: 'p', arguments: [{ name: 'a', required: true }, { name: 'b' }] }],
        count: 1,
      },
    }
    expect((await against(routes, ['gateway', 'resources', 't'])).stdout).toContain('file:///a')
    expect((await against(routes, ['gateway', 'resources', 't', '--templates'])).stdout).toContain('file:///{p}')
    expect((await against(routes, ['gateway', 'prompts', 't'])).stdout).toContain('a b?')
  })
})
