import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { freePort, type TempDir, tempDir } from '@mcp-platform/test-kit'
import { problem, type Routes, startFakeGateway } from './fake-gateway.js'
import { mcpp, type Run, type RunOptions, startMcpp } from './mcpp.js'

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

const instance = {
  id: 'a',
  source: 'api',
  transport: 'http',
  endpoint: 'http://10.0.0.1/mcp',
  protocol: 'auto',
  weight: 2,
  metadata: {},
  state: 'active',
  healthy: true,
  status: 'healthy',
  score: 97,
  circuit: 'closed',
  in_flight: 1,
}
const registry = {
  templates: { search: { instances: [instance], load_balancer: { strategy: 'round_robin' } } },
  stats: {},
}

function environment(url: string): RunOptions {
  return { env: { MCPP_URL: url, MCPP_CONFIG_DIR: home.path, MCPP_STATE_DIR: home.path } }
}

async function against(routes: Routes, args: readonly string[], options: RunOptions = {}) {
  await using gateway = await startFakeGateway(routes)
  const { env } = environment(gateway.url)
  const run: Run = await mcpp(args, { ...options, env: { ...env, ...options.env } })
  return { ...run, seen: gateway.seen }
}

describe('exit codes', () => {
  const route = 'GET /gateway/registry'

  it('are 3 when nothing answers', async () => {
    const { code, stderr } = await mcpp(['gateway', 'list'], environment(`http://127.0.0.1:${await freePort()}`))
    expect(code).toBe(3)
    expect(stderr).toMatch(/^Error: Cannot reach the gateway at .* \(ECONNREFUSED\)\.\nTry: mcpp gateway start/)
  })

  it('are 3 when what answers is no gateway', async () => {
    const { code, stderr } = await against({ [route]: (response: ServerResponse) => response.end('hello') }, [
      'gateway',
      'list',
    ])
    expect(code).toBe(3)
    expect(stderr).toContain('not JSON')
  })

  it('are 4 without a credential and 5 without the right', async () => {
    const missing = await against({ [route]: problem(401, 'CREDENTIAL_REQUIRED', 'log on first') }, ['gateway', 'list'])
    expect({ code: missing.code, stderr: missing.stderr }).toEqual({
      code: 4,
      stderr: 'Error: Log on first.\nTry: mcpp gateway login USER\n',
    })
    const refused = await against({ [route]: problem(403, 'FORBIDDEN', 'needs registry:read') }, ['gateway', 'list'])
    expect(refused.code).toBe(5)
  })

  it('are 1 for anything else that fails, and the next command is named', async () => {
    const unknown = problem(404, 'TEMPLATE_NOT_FOUND', 'there is no template "x"', { template: 'x' })
    const { code, stderr } = await against({ 'GET /mcp/x/tools/list': unknown }, ['gateway', 'tools', 'x'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'Error: There is no template "x".\nTry: mcpp gateway list\n' })
  })

  it('names every fault of a bad registration', async () => {
    const errors = [
      { path: 'instance.weight', message: 'expected a number of at least 0' },
      { path: 'template_name', message: 'is no name' },
    ]
    const answer = problem(422, 'VALIDATION_FAILED', 'the registration is not valid', { errors })
    const args = ['gateway', 'register', 'T', '--endpoint', 'http://h']
    const { code, stderr } = await against({ 'POST /gateway/register': answer }, args)
    expect(code).toBe(1)
    expect(stderr.split('\n')).toEqual([
      'Error: The registration is not valid.',
      '  instance.weight: expected a number of at least 0',
      '  template_name: is no name',
      'Try: mcpp gateway register --help',
      '',
    ])
  })

  it('says that a tool may have run', async () => {
    const lost = problem(502, 'OUTCOME_UNKNOWN', 'the server is gone', { executed: 'unknown' })
    const { code, stderr } = await against({ 'POST /mcp/t/tools/call': lost }, ['gateway', 'call', 't', 'x'])
    expect(code).toBe(1)
    expect(stderr).toContain('unknown whether the tool has run')
  })

  it('prints an error as JSON where JSON is asked for', async () => {
    const refused = problem(403, 'FORBIDDEN', 'no')
    const { stdout, stderr } = await against({ [route]: refused }, ['gateway', 'list', '--json'])
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'FORBIDDEN', exit_code: 5, problem: refused } })
  })
})

describe('output', () => {
  it('is a table without colours when it is no terminal', async () => {
    const { stdout, code } = await against({ 'GET /gateway/registry': registry }, ['gateway', 'list'])
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['TEMPLATE', 'INSTANCE', 'STATUS', 'AT', 'WEIGHT', 'IN FLIGHT', 'SCORE', 'SOURCE', 'REASON'],
      ['search', 'a', 'healthy', 'http://10.0.0.1/mcp', '2', '1', '97', 'api', '-'],
      [''],
    ])
  })

  it('is exactly what the gateway said with --json', async () => {
    const { stdout } = await against({ 'GET /gateway/registry': registry }, ['gateway', 'list', '--json'])
    expect(JSON.parse(stdout)).toEqual(registry)
  })

  it('cannot be used by a server to control the terminal', async () => {
    const tools = [{ name: 'evil', description: '\u001b]0;owned\u0007hi' }]
    const { stdout } = await against({ 'GET /mcp/t/tools/list': { tools, count: 1 } }, ['gateway', 'tools', 't'])
    expect(stdout).toContain('\\u001b]0;owned\\u0007hi')
    expect(stdout).not.toContain('\u001b')
  })
})

describe('gateway register', () => {
  it('sends what the flags say', async () => {
    const response = {
      message: 'search/s-1 registered',
      template_name: 'search',
      instance_id: 's-1',
      status: 'healthy',
      probe: { ok: true },
    }
    const { seen, stdout, code } = await against({ 'POST /gateway/register': response }, [
      ...[
        'gateway',
        'register',
        'search',
        '--command',
        'python "my server.py"',
        '--working-dir',
        '/app',
        '--env',
        'A=1=2',
      ],
      ...['--env', 'B=', '--id', 's-1', '--weight', '2.5', '--strategy', 'weighted', '--health-interval', '5'],
      ...['--metadata', '{"team":"x"}', '--wait', '--replace'],
    ])
    expect(code).toBe(0)
    expect(stdout).toBe('search/s-1 registered (healthy)\n')
    expect(seen[0]?.url).toBe('/gateway/register?replace=true&probe=true')
    expect(seen[0]?.body).toEqual({
      template_name: 'search',
      instance: {
        id: 's-1',
        command: 'python "my server.py"',
        working_dir: '/app',
        env: { A: '1=2', B: '' },
        weight: 2.5,
        metadata: { team: 'x' },
      },
      load_balancer: { strategy: 'weighted', health_check_interval: 5 },
    })
  })

  it('ends with 1 when the first health check fails', async () => {
    const probe = { ok: false, reason: 'connection refused' }
    const response = { message: 'm', template_name: 's', instance_id: 'i', status: 'starting', probe }
    const args = ['gateway', 'register', 's', '--endpoint', 'http://h', '--wait']
    const { code, stdout } = await against({ 'POST /gateway/register': response }, args)
    expect(code).toBe(1)
    expect(stdout).toContain('connection refused\nTry: mcpp gateway explain s\n')
  })
})

describe('gateway set', () => {
  it('puts settings into their groups, and null for default', async () => {
    const args = ['gateway', 'set', 't', 'strategy=random', 'timeouts.total=30', 'max-retries=default', 'alias=abc']
    const { seen, code } = await against({ 'PATCH /gateway/templates/t': { name: 't' } }, args)
    expect(code).toBe(0)
    expect(seen[0]?.body).toEqual({
      load_balancer: { strategy: 'random', max_retries: null },
      timeouts: { total: 30 },
      alias: 'abc',
    })
  })

  it('takes the third part of a key as the name of a tool, as it is typed', async () => {
    const pairs = ['failover.tools.read-file=safe', 'failover.tools.db.drop=never', 'failover.retry-reads=false']
    const { seen } = await against({ 'PATCH /gateway/templates/t': { name: 't' } }, ['gateway', 'set', 't', ...pairs])
    expect(seen[0]?.body).toEqual({
      failover: { tools: { 'read-file': 'safe', 'db.drop': 'never' }, retry_reads: false },
    })
  })

  it('changes an instance', async () => {
    const route = 'PATCH /gateway/templates/t/instances/a'
    const { seen } = await against({ [route]: instance }, ['gateway', 'set', 't', '--instance', 'a', 'weight=3'])
    expect(seen[0]?.body).toEqual({ weight: 3 })
  })
})

describe('gateway drain, enable, deregister', () => {
  it('change the state of an instance', async () => {
    const route = 'PATCH /gateway/templates/t/instances/a'
    const { stdout, seen } = await against({ [route]: { ...instance, state: 'draining' } }, [
      'gateway',
      'drain',
      't',
      'a',
    ])
    expect(seen[0]?.body).toEqual({ state: 'draining' })
    expect(stdout).toContain('t/a is draining')
  })

  it('removes all instances of a template', async () => {
    const removed = { message: 'removed', in_flight: 0 }
    const routes = { 'GET /gateway/registry': registry, 'DELETE /gateway/deregister/search/a': removed }
    const { seen, stdout } = await against(routes, ['gateway', 'deregister', 'search', '--all', '--force'])
    expect(seen[1]?.url).toBe('/gateway/deregister/search/a?force=true')
    expect(stdout).toBe('removed\n')
  })
})

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

describe('gateway sync and import', () => {
  const name = { template_name: 't', instance_id: 'a' }

  it('prints the changes, and ends with 1 when a source has a bad entry', async () => {
    const errors = [{ path: 'templates.x', message: 'is bad' }]
    const sources = [{ source: 'file:/r.json', ok: true, instances: 1, errors }]
    const result = { added: [name], changed: [], removed: [], sources }
    const { code, stdout, seen } = await against({ 'POST /gateway/sync': result }, ['gateway', 'sync', '--dry-run'])
    expect(code).toBe(1)
    expect(seen[0]?.url).toBe('/gateway/sync?dry_run=true')
    expect(stdout).toContain('Not applied')
    expect(stdout).toMatch(/t +a +added/)
    expect(stdout).toContain('templates.x: is bad')
  })

  it('imports YAML from standard input', async () => {
    const result = { added: [name], changed: [], unchanged: [] }
    const input = 'templates:\n  t:\n    instances: []\n'
    const { seen, stdout } = await against({ 'POST /gateway/import': result }, ['gateway', 'import', '-'], { input })
    expect(seen[0]?.body).toEqual({ templates: { t: { instances: [] } } })
    expect(stdout).toMatch(/t +a +added/)
  })

  it('imports JSON with comments and last commas, as editors write it', async () => {
    const result = { added: [name], changed: [], unchanged: [] }
    const input = `// my servers
{
  "mcpServers": { /* local */
    "t": { "url": "http://h/mcp?a=,}//x", "note": "\\"/* no comment */", },
  },
}`
    const { seen } = await against({ 'POST /gateway/import': result }, ['gateway', 'import', '-'], { input })
    const server = { url: 'http://h/mcp?a=,}//x', note: '"/* no comment */' }
    expect(seen[0]?.body).toEqual({ mcpServers: { t: server } })
  })

  it('says where a file stops being JSON', async () => {
    const path = join(home.path, 'mcp.json')
    await writeFile(path, '{\n  // one\n  "a": 1 "b": 2\n}')
    const { code, stderr } = await against({}, ['gateway', 'import', path])
    expect(code).toBe(1)
    expect(stderr).toContain('it stops being JSON at line 3, column 10')
  })

  it('says what is wrong with a file', async () => {
    const { code, stderr } = await against({}, ['gateway', 'import', '/does/not/exist.json'])
    expect(code).toBe(1)
    expect(stderr).toContain('/does/not/exist.json cannot be read (ENOENT)')
  })
})

describe('gateway explain, show and status', () => {
  it('explains a pick', async () => {
    const one = { ...instance, instance_id: 'a', picked: true, available: true, reason: 'next in turn' }
    const view = { template: 't', strategy: 'round_robin', picked: 'a', reason: 'a is next', instances: [one] }
    const { stdout } = await against({ 'GET /gateway/explain': view }, ['gateway', 'explain', 't'])
    expect(stdout).toContain('t (round_robin): a is next')
    expect(stdout).toContain('next in turn')
  })

  it('shows where each setting comes from', async () => {
    const template = {
      name: 'search',
      status: 'healthy',
      total_instances: 1,
      healthy_instances: 1,
      settings: { load_balancer: { strategy: 'random' }, timeouts: { total: 9 } },
      effective_settings: { load_balancer: { strategy: 'random', max_retries: 3 }, timeouts: { total: 9 } },
      override: { load_balancer: { strategy: 'random' } },
      source: 'file:/r.json',
    }
    const routes = { 'GET /gateway/templates/search': template, 'GET /gateway/registry': registry }
    const { stdout } = await against(routes, ['gateway', 'show', 'search'])
    expect(stdout).toMatch(/load_balancer\.strategy +random +set/)
    expect(stdout).toMatch(/load_balancer\.max_retries +3 +default/)
    expect(stdout).toMatch(/timeouts\.total +9 +file:\/r\.json/)
  })

  it.each([['list'], ['status']])('says in %s what of a registry file is missing, and where', async (command) => {
    const errors = [{ path: '', message: 'registry file /r.yaml: is not valid YAML (line 2 column 8: BAD_INDENT)' }]
    const sources = [
      { source: 'file:/good.json', ok: true, instances: 1, errors: [] },
      { source: 'file:/r.yaml', ok: false, instances: 0, errors },
    ]
    const routes = {
      'GET /gateway/health': {
        ...{ status: 'empty', version: '1', uptime_seconds: 1, database: 'ok', templates: 0 },
        instances: { total: 0, healthy: 0, unhealthy: 0 },
      },
      'GET /gateway/templates': { templates: [], count: 0 },
      'GET /gateway/registry': { ...registry, sources },
    }
    const { code, stderr } = await against(routes, ['gateway', command])
    expect(code).toBe(0)
    expect(stderr).toBe(`Warning: file:/r.yaml: failed\n  ${errors[0]?.message}\n`)
  })

  it('watches over the end of the stream until it is interrupted, which is a normal end', async () => {
    const event = {
      type: 'registry_changed',
      at: '2026-01-01T00:00:00.000Z',
      version: 2,
      action: 'register',
      actor: 'me',
      templates: ['t'],
    }
    const health = {
      status: 'empty',
      version: '1',
      uptime_seconds: 1,
      database: 'ok',
      templates: 0,
      instances: { total: 0, healthy: 0, unhealthy: 0 },
    }
    let streams = 0
    await using gateway = await startFakeGateway({
      'GET /gateway/health': health,
      'GET /gateway/templates': { templates: [], count: 0 },
      'GET /gateway/registry': registry,
      'GET /gateway/events': (response: ServerResponse) => {
        streams++
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        // The first one ends, as at a restart of the gateway.
        if (streams === 1) response.end()
        else response.write(`data: ${JSON.stringify(event)}\n\n`)
      },
    })
    const { child, ended } = startMcpp(['gateway', 'status', '--watch'], environment(gateway.url))
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (text: string) => text.includes('registry register by me: t') && resolve())
    })
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^Lost the gateway \(the gateway has ended the stream of events\); trying again in 0\.\d s\.\n$/,
    )
  })
})

describe('gateway client-config', () => {
  it.each([
    ['claude', 'claude mcp add --transport http files http://gw:1/mcp/files'],
    ['codex', '[mcp_servers."files"]\nurl = "http://gw:1/mcp/files"'],
  ])('is a line to paste for %s', async (program, text) => {
    const { stdout } = await mcpp(['gateway', 'client-config', 'files', '--for', program], environment('http://gw:1/'))
    expect(stdout).toBe(`${text}\n`)
  })

  it.each([
    ['vscode', { servers: { files: { type: 'http', url: 'http://gw:1/mcp/files' } } }],
    ['cursor', { mcpServers: { files: { url: 'http://gw:1/mcp/files' } } }],
    ['generic', { mcpServers: { files: { type: 'http', url: 'http://gw:1/mcp/files' } } }],
  ])('is a file for %s', async (program, file) => {
    const { stdout } = await mcpp(['gateway', 'client-config', 'files', '--for', program], environment('http://gw:1'))
    expect(JSON.parse(stdout)).toEqual(file)
  })
})
