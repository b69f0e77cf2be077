import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultServer, startFaultServer } from '@mcp-platform/test-kit'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type Answer, send, start, type TestGateway } from './helpers.js'

interface Schema {
  readonly [key: string]: unknown
}
interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: Schema }> }>
}

const document = JSON.parse(await readFile(new URL('../openapi.json', import.meta.url), 'utf8'))
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
ajv.addSchema(toJsonSchema({ $id: 'document', components: document.components }))

// OpenAPI 3.0 says "or null" in a way of its own.
function toJsonSchema(node: unknown): Schema {
  return JSON.parse(JSON.stringify(node), (_, value) => {
    if (typeof value !== 'object' || value === null || value.nullable !== true) return value
    const { nullable: _nullable, ...rest } = value
    return { anyOf: [rest, { type: 'null' }] }
  })
}

function faultsOf(method: string, path: string, answer: Answer): unknown {
  const operation: Operation = document.paths[path][method.toLowerCase()]
  const described = operation.responses[answer.status] ?? operation.responses['default']
  const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
  const schema = described?.content?.[type]?.schema
  if (schema === undefined) return `${answer.status} ${type} is not described: ${answer.text}`
  const text = JSON.stringify(toJsonSchema(schema)).replaceAll('"#/components', '"document#/components')
  const validate = ajv.compile(JSON.parse(text))
  return validate(answer.json) ? [] : validate.errors
}

const uri = 'file:///readme'
const PROMPT = { name: 'greet', arguments: [{ name: 'who', required: true }] }

describe('every documented operation', () => {
  let server: FaultServer
  let gateway: TestGateway
  const called = new Set<string>()
  let keyId = ''

  beforeAll(async () => {
    server = await startFaultServer(undefined, {
      capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
      methods: {
        'resources/list': () => ({ result: { resources: [{ uri, name: 'readme' }] } }),
        'resources/templates/list': () => ({
          result: { resourceTemplates: [{ uriTemplate: 'file:///{x}', name: 'x' }] },
        }),
        'resources/read': () => ({ result: { contents: [{ uri, text: 'hello' }] } }),
        'prompts/list': () => ({ result: { prompts: [PROMPT] } }),
        'prompts/get': () => ({ result: { messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] } }),
        'completion/complete': () => ({ result: { completion: { values: ['a'], total: 1, hasMore: false } } }),
      },
    })
    gateway = await start()
    const instance = { id: 'a', endpoint: server.url, headers: { 'x-a': 'b' } }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
  })
  afterAll(() => server.stop())

  const template = { '{template}': 'fs', '{instance_id}': 'a', '{name}': 'anna' }
  const login = { username: 'anna', password: 'long enough, and not common' }
  const register = { template_name: 'fs', instance: { id: 'a', endpoint: 'http://127.0.0.1:1' } }
  const completion = { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: '' } }

  it.each<[string, string, number, unknown?, string?]>([
    ['GET', '/health/live', 200],
    ['GET', '/health/ready', 200],
    ['GET', '/gateway/health', 200],
    ['GET', '/gateway/stats', 200],
    ['GET', '/gateway/report', 200],
    ['GET', '/gateway/registry', 200],
    ['GET', '/gateway/templates', 200],
    ['GET', '/gateway/templates/{template}', 200],
    ['GET', '/gateway/explain', 200, undefined, '?template=fs'],
    ['GET', '/gateway/explain', 422],
    ['GET', '/gateway/export', 200],
    ['POST', '/gateway/sync', 200],
    [
      'POST',
      '/gateway/register',
      201,
      { ...register, instance: { id: 'b', endpoint: 'http://127.0.0.1:1' } },
      '?probe=true',
    ],
    ['POST', '/gateway/register', 409, register],
    ['POST', '/gateway/register', 422, {}],
    ['POST', '/gateway/import', 200, { templates: {} }],
    ['PATCH', '/gateway/templates/{template}', 200, { load_balancer: { strategy: 'random' } }],
    ['PATCH', '/gateway/templates/{template}/instances/{instance_id}', 200, { weight: 2 }],
    ['PATCH', '/gateway/templates/{template}/instances/{instance_id}', 422, { weight: 'x' }],
    ['GET', '/mcp/{template}/health', 200],
    ['GET', '/mcp/{template}/tools/list', 200],
    ['POST', '/mcp/{template}/tools/call', 200, { name: 'echo', arguments: { a: 1 } }],
    ['POST', '/mcp/{template}/tools/call', 404, { name: 'nothing' }],
    ['POST', '/mcp/{template}/tools/batch', 200, { calls: [{ name: 'echo' }, { id: 'x', name: 'nothing' }] }],
    ['GET', '/mcp/{template}/resources/list', 200],
    ['GET', '/mcp/{template}/resources/templates/list', 200],
    ['POST', '/mcp/{template}/resources/read', 200, { uri }],
    ['GET', '/mcp/{template}/prompts/list', 200],
    ['POST', '/mcp/{template}/prompts/get', 200, { name: 'greet', arguments: { who: 'me' } }],
    ['POST', '/mcp/{template}/completion/complete', 200, completion],
    ['POST', '/auth/users', 201, { name: 'anna', password: login.password, templates: ['fs'] }],
    ['POST', '/auth/users', 409, { name: 'anna' }],
    ['POST', '/auth/users', 422, { name: 'bob', owner: 'me' }],
    ['GET', '/auth/users', 200],
    ['POST', '/auth/login', 200, login],
    ['POST', '/auth/login', 401, { ...login, password: 'another one' }],
    ['POST', '/auth/refresh', 401, { refresh_token: 'none' }],
    ['GET', '/auth/me', 200],
    ['POST', '/auth/password', 204, { username: 'anna', new_password: 'another long one, not common' }],
    ['PATCH', '/auth/users/{name}', 200, { role: 'auditor', templates: null }],
    ['DELETE', '/auth/users/{name}', 204],
    ['DELETE', '/auth/users/{name}', 404],
    ['POST', '/auth/api-keys', 201, { name: 'ci', expires_in: 3600, cidrs: ['127.0.0.0/8'] }],
    ['POST', '/auth/api-keys', 422, { name: 'ci', expires_in: 1e9 }],
    ['GET', '/auth/api-keys', 200],
    ['POST', '/auth/api-keys/{id}/rotate', 200, { overlap: 60 }],
    ['DELETE', '/auth/api-keys/{id}', 204],
    ['DELETE', '/auth/api-keys/{id}', 404, undefined, '0'],
    ['GET', '/auth/audit', 200, undefined, '?limit=10&actor=anna'],
    ['GET', '/auth/audit', 422, undefined, '?limit=0'],
    ['GET', '/auth/audit/verify', 200],
    ['POST', '/auth/logout', 204, {}],
    ['GET', '/.well-known/jwks.json', 200],
    ['GET', '/.well-known/oauth-protected-resource', 200],
    ['GET', '/.well-known/oauth-protected-resource/mcp', 200],
    ['GET', '/.well-known/oauth-protected-resource/mcp/{template}', 200],
    ['DELETE', '/gateway/deregister/{template}/{instance_id}', 200],
    ['DELETE', '/gateway/deregister/{template}/{instance_id}', 404],
  ])('%s %s answers %s as described', async (...row) => {
    const [method, path, status, body, query = ''] = row
    const concrete = Object.entries({ ...template, '{id}': keyId }).reduce(
      (text, [name, value]) => text.replace(name, value),
      path,
    )
    const answer = await gateway.admin(method, concrete + query, body)
    expect([answer.status, answer.text]).toEqual([status, answer.text])
    if (status === 204) expect(answer.text).toBe('')
    else expect(faultsOf(method, path, answer)).toEqual([])
    keyId = answer.json?.key?.id ?? keyId
    called.add(`${method} ${path}`)
  })

  it('was called here, but for the event stream', () => {
    const documented = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).flatMap((method) => (method === 'parameters' ? [] : [`${method.toUpperCase()} ${path}`])),
    )
    expect(documented.filter((operation) => !called.has(operation))).toEqual(['GET /gateway/events'])
  })

  it('refuses a change without a credential', async () => {
    const answer = await send(`${gateway.url}/gateway/sync`, { method: 'POST' })
    expect(answer.status).toBe(401)
    expect(faultsOf('POST', '/gateway/sync', answer)).toEqual([])
  })
})
