import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { defaultTools, everythingStdio, type FaultServer, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { type Answer, send, start, type TestGateway } from './helpers.js'

/** Answers when the test says so. */
const held = Promise.withResolvers<void>()
const heldTool = {
  definition: { name: 'held', inputSchema: { type: 'object' } },
  run: async () => {
    await held.promise
    return { result: { content: [{ type: 'text', text: 'done' }] } }
  },
}

describe('management', () => {
  let gateway: TestGateway
  let server: FaultServer
  let template = ''
  let count = 0

  beforeAll(async () => {
    server = await startFaultServer(undefined, { tools: [...defaultTools, heldTool] })
    gateway = await start()
  })
  afterAll(() => server.stop())
  beforeEach(() => {
    count += 1
    template = `t${count}`
  })

  const register = (instance: unknown, query = '', more: object = {}) =>
    gateway.admin('POST', `/gateway/register${query}`, { template_name: template, instance, ...more })

  const callTool = (body: object): Promise<Answer> =>
    send(`${gateway.url}/mcp/${template}/tools/call`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  const inFlight = async (id: string): Promise<number> =>
    (await gateway.get('/gateway/stats')).json.load_balancer.active_connections[`${template}/${id}`]

  it('registers an instance, probes it and answers calls through it', async () => {
    const { status, json } = await register({ endpoint: server.url }, '?probe=true')
    expect(status).toBe(201)
    expect(json).toMatchObject({
      message: `${template}/${template}-1 registered`,
      template_name: template,
      instance_id: `${template}-1`,
      status: 'healthy',
      probe: { ok: true, endpoint: server.url },
    })
    const tools = await gateway.get(`/mcp/${template}/tools/list`)
    expect(tools.json.count).toBeGreaterThan(0)
    const called = await callTool({ name: 'echo', arguments: {} })
    expect(called.status).toBe(200)
    const stats = (await gateway.get('/gateway/stats')).json
    expect(stats.templates[template].requests).toBeGreaterThan(0)
    const explained = (await gateway.get(`/gateway/explain?template=${template}`)).json
    expect(explained).toMatchObject({ template, picked: `${template}-1` })
  })

  it('reports a probe that fails', async () => {
    const { status, json } = await register({ endpoint: 'http://127.0.0.1:1' }, '?probe=true')
    expect(status).toBe(201)
    expect(json.probe.ok).toBe(false)
    expect(json.probe.reason).toContain('ECONNREFUSED')
  })

  it('takes the same registration twice, another one only with replace', async () => {
    const instance = { id: 'a', endpoint: server.url }
    expect((await register(instance)).status).toBe(201)
    expect((await register(instance)).status).toBe(200)
    const conflict = await register({ ...instance, weight: 2 })
    expect(conflict.status).toBe(409)
    expect(conflict.json).toMatchObject({ code: 'CONFLICT', template, instance_id: 'a' })
    expect(conflict.json.detail).toContain('?replace=true')
    const replaced = await register({ ...instance, weight: 2 }, '?replace=true')
    expect(replaced.status).toBe(200)
    expect(replaced.json.message).toBe(`${template}/a replaced`)
  })

  it.each([
    ['an unknown field', { endpoint: 'http://h', colour: 1 }, 'instance.colour'],
    ['both endpoint and command', { endpoint: 'http://h', command: 'x' }, 'instance.endpoint'],
    ['neither endpoint nor command', { weight: 1 }, 'instance.endpoint'],
    ['a bad URL', { endpoint: 'localhost:7071' }, 'instance.endpoint'],
    ['a metadata address', { endpoint: 'http://169.254.169.254/latest' }, 'instance.endpoint'],
    ['a weight that is text', { endpoint: 'http://h', weight: '2' }, 'instance.weight'],
    ['a negative weight', { endpoint: 'http://h', weight: -1 }, 'instance.weight'],
    ['a bad id', { endpoint: 'http://h', id: 'a/b' }, 'instance.id'],
  ])('refuses %s with 422 and where it is', async (_, instance, path) => {
    const { status, headers, json } = await register(instance)
    expect(status).toBe(422)
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(json).toMatchObject({ status: 422, code: 'VALIDATION_FAILED', request_id: headers.get('x-request-id') })
    expect(json.errors.map((fault: { path: string }) => fault.path)).toContain(path)
    expect((await gateway.get(`/gateway/templates/${template}`)).status).toBe(404)
  })

  it('refuses a bad template name, and tells all faults at once', async () => {
    const body = { template_name: 'Bad Name', instance: { endpoint: 'nope', weight: 'x' }, owner: 'me' }
    const { status, json } = await gateway.admin('POST', '/gateway/register', body)
    expect(status).toBe(422)
    expect(json.errors.map((fault: { path: string }) => fault.path).sort()).toEqual([
      'instance.endpoint',
      'instance.weight',
      'owner',
      'template_name',
    ])
    expect((await gateway.admin('POST', '/gateway/register')).status).toBe(422)
    expect((await gateway.admin('POST', '/gateway/register', [])).status).toBe(422)
  })

  it('needs a credential for changes, not for reads', async () => {
    const anonymous = { 'content-type': 'application/json' }
    for (const [method, path] of [
      ['POST', '/gateway/register'],
      ['POST', '/gateway/sync'],
      ['POST', '/gateway/import'],
      ['GET', '/gateway/export'],
      ['PATCH', '/gateway/templates/x'],
      ['PATCH', '/gateway/templates/x/instances/y'],
      ['DELETE', '/gateway/deregister/x/y'],
    ] as const) {
      const response = await fetch(gateway.url + path, { method, headers: anonymous })
      const problem = (await response.json()) as { code?: string }
      expect([path, response.status, problem.code]).toEqual([path, 401, 'CREDENTIAL_REQUIRED'])
      expect(response.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="mcp-gateway", scope="registry:write", resource_metadata="http:\/\/127\.0\.0\.1:\d+\/\.well-known\/oauth-protected-resource"$/,
      )
    }
    for (const path of ['registry', 'stats', 'templates', 'health']) {
      expect((await gateway.get(`/gateway/${path}`)).status).toBe(200)
    }
  })

  it('never takes a wrong credential for none, and refuses two different ones', async () => {
    const bad = await gateway.get('/gateway/registry', { authorization: 'Bearer wrong' })
    expect(bad.status).toBe(401)
    expect(bad.json.code).toBe('CREDENTIAL_INVALID')
    expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect((await gateway.get('/gateway/registry', { authorization: 'Basic dTpw' })).status).toBe(401)
    const key = await gateway.get('/gateway/export', { 'x-api-key': gateway.adminToken })
    expect(key.status).toBe(200)
    const two = await gateway.get('/gateway/export', { 'x-api-key': 'a', authorization: 'Bearer b' })
    expect(two.status).toBe(400)
    expect(two.json.code).toBe('CREDENTIALS_CONFLICT')
  })

  it('changes settings of a template and overrides of an instance, and takes them back', async () => {
    await register({ id: 'a', endpoint: server.url })
    const changed = await gateway.admin('PATCH', `/gateway/templates/${template}`, {
      load_balancer: { strategy: 'random', timeout: 7 },
    })
    expect(changed.json).toMatchObject({
      name: template,
      settings: { load_balancer: { strategy: 'random', timeout: 7 } },
      effective_settings: { load_balancer: { strategy: 'random', timeout: 7, max_retries: 3 } },
    })
    const path = `/gateway/templates/${template}/instances/a`
    expect((await gateway.admin('PATCH', path, { state: 'disabled', weight: 0.5 })).json).toMatchObject({
      id: 'a',
      state: 'disabled',
      status: 'disabled',
      weight: 0.5,
      override: { state: 'disabled', weight: 0.5 },
    })
    const back = await gateway.admin('PATCH', path, { reset: true })
    expect(back.json).toMatchObject({ state: 'active', weight: 1 })
    expect(back.json.override).toBeUndefined()
  })

  it('answers bad changes with 422 and unknown names with 404', async () => {
    await register({ id: 'a', endpoint: server.url })
    const bad = await gateway.admin('PATCH', `/gateway/templates/${template}`, { load_balancer: { strategy: 'best' } })
    expect(bad.status).toBe(422)
    expect(bad.json.errors[0].path).toBe('load_balancer.strategy')
    const path = `/gateway/templates/${template}/instances`
    expect((await gateway.admin('PATCH', `${path}/a`, { weight: '1' })).status).toBe(422)
    expect((await gateway.admin('PATCH', `${path}/zzz`, { weight: 1 })).json.code).toBe('INSTANCE_NOT_FOUND')
    expect((await gateway.admin('PATCH', '/gateway/templates/zzz', { audit: 'off' })).json.code).toBe(
      'TEMPLATE_NOT_FOUND',
    )
    expect((await gateway.get('/gateway/templates/zzz')).status).toBe(404)
    expect((await gateway.get('/gateway/explain?template=zzz')).status).toBe(404)
    expect((await gateway.get('/gateway/explain')).json).toMatchObject({ status: 422, code: 'VALIDATION_FAILED' })
    expect((await gateway.get('/mcp/zzz/tools/list')).json.code).toBe('TEMPLATE_NOT_FOUND')
  })

  it('deregisters: at once when idle, by draining when busy', async () => {
    await register({ id: 'a', endpoint: server.url }, '?probe=true')
    const call = callTool({ name: 'held', arguments: {} })
    await waitFor(async () => (await inFlight('a')) === 1)
    const path = `/gateway/deregister/${template}/a`
    const draining = await gateway.admin('DELETE', path)
    expect([draining.status, draining.json.in_flight]).toEqual([202, 1])
    expect((await gateway.admin('DELETE', path)).status).toBe(404)
    held.resolve()
    const answer = await call
    expect([answer.status, answer.json.content[0].text]).toEqual([200, 'done'])
    await register({ id: 'b', endpoint: server.url }, '?probe=true')
    expect((await gateway.admin('DELETE', `/gateway/deregister/${template}/b`)).status).toBe(200)
  })

  it('cuts calls in flight when deregistering by force', async () => {
    await register({ id: 'a', endpoint: server.url }, '?probe=true')
    const call = callTool({ name: 'slow', arguments: { ms: 60_000 } })
    await waitFor(async () => (await inFlight('a')) === 1)
    const { status, json } = await gateway.admin('DELETE', `/gateway/deregister/${template}/a?force=true`)
    expect([status, json.in_flight]).toEqual([200, 0])
    const answer = await call
    expect(answer.json.executed).toBe('unknown')
  })

  it('registers a command for who may execute, and starts it', async () => {
    const { command, args } = everythingStdio()
    const { status, json } = await register({ command, args }, '?probe=true')
    expect([status, json.probe]).toMatchObject([201, { ok: true }])
    const called = await callTool({ name: 'echo', arguments: { message: 'hello' } })
    expect(called.json.content[0].text).toContain('hello')
    expect((await gateway.admin('DELETE', `/gateway/deregister/${template}/${json.instance_id}`)).status).toBe(200)
  })

  it('exports what import takes, without secrets', async () => {
    await register({ id: 'a', endpoint: server.url, headers: { 'x-token': 's3cret' }, weight: 3 })
    const exported = await gateway.admin('GET', '/gateway/export')
    expect(exported.json).toMatchObject({ format: 'mcp-platform-export', version: 1 })
    expect(exported.headers.get('x-omitted-secrets')).toBe('1')
    expect(exported.text).not.toContain('s3cret')
    const other = await start()
    const plan = await other.admin('POST', '/gateway/import?dry_run=true', exported.json)
    expect(plan.json.added).toContainEqual({ template_name: template, instance_id: 'a' })
    expect((await other.get('/gateway/registry')).json.templates).toEqual({})
    expect((await other.admin('POST', '/gateway/import', exported.json)).json.added).toEqual(plan.json.added)
    const again = await other.admin('POST', '/gateway/import', exported.json)
    expect(again.json.unchanged).toEqual(plan.json.added)
    await other.close()
  })

  it('imports all or nothing', async () => {
    const document = {
      templates: { good: { instances: [{ endpoint: server.url }] }, bad: { instances: [{ weight: 1 }] } },
    }
    const { status, json } = await gateway.admin('POST', '/gateway/import', document)
    expect(status).toBe(422)
    expect(json.errors[0].path).toBe('templates.bad.instances[0].endpoint')
    expect((await gateway.get('/gateway/templates/good')).status).toBe(404)
  })

  it('tells readers of the event stream what happens', async () => {
    const gone = new AbortController()
    const response = await fetch(`${gateway.url}/gateway/events`, { signal: gone.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const readUntil = async (part: string): Promise<void> => {
      while (!text.includes(part)) {
        const chunk = await chunks?.read()
        if (chunk?.value === undefined) throw new Error(`the stream ended before ${part}: ${text}`)
        text += chunk.value
      }
    }
    await readUntil('event: hello')
    await register({ id: 'a', endpoint: server.url })
    await readUntil('event: registry_changed')
    await readUntil('"status":"healthy"')
    expect(text).toContain(`"templates":["${template}"]`)
    gone.abort()
  })
})

describe('stdio mode', () => {
  const body = { template_name: 't', instance: { command: 'node server.js' } }

  it.each([
    ['off', 'stdio servers are switched off'],
    ['profiles', 'launch profiles only'],
  ])('%s refuses a command, also as a health check and in an import', async (mode, message) => {
    const gateway = await start({ flags: { 'stdio-mode': mode } })
    const registered = await gateway.admin('POST', '/gateway/register', body)
    expect([registered.status, registered.json.code]).toEqual([403, 'FORBIDDEN'])
    expect(registered.json.detail).toContain(message)
    const imported = await gateway.admin('POST', '/gateway/import', {
      templates: { t: { instances: [body.instance] } },
    })
    expect(imported.status).toBe(403)
    await gateway.admin('POST', '/gateway/register', {
      template_name: 't',
      instance: { endpoint: 'http://127.0.0.1:1' },
    })
    const check = { health_check: { kind: 'command', command: 'true' } }
    expect((await gateway.admin('PATCH', '/gateway/templates/t', check)).status).toBe(403)
    await gateway.close()
  })

  it('needs the right to execute, which the local token has on a loopback address only', async () => {
    const gateway = await start({ flags: { host: '0.0.0.0', 'stdio-mode': 'commands' } })
    const { status, json } = await gateway.admin('POST', '/gateway/register', body)
    expect([status, json.code]).toEqual([403, 'FORBIDDEN'])
    expect(json.detail).toContain('registry:exec')
    await gateway.close()
  })
})

describe('authentication on', () => {
  it('asks for a credential on every path but health and documentation', async () => {
    const gateway = await start({ flags: { auth: true } })
    expect(gateway.authEnabled).toBe(true)
    for (const path of [
      '/gateway/registry',
      '/gateway/stats',
      '/gateway/events',
      '/mcp/t/tools/list',
      '/mcp/t/health',
    ]) {
      expect([path, (await gateway.get(path)).status]).toEqual([path, 401])
    }
    for (const path of ['/gateway/health', '/health/live', '/openapi.json', '/docs/']) {
      expect([path, (await gateway.get(path)).status]).toEqual([path, 200])
    }
    expect((await gateway.admin('GET', '/gateway/registry')).status).toBe(200)
    await gateway.close()
  })
})
