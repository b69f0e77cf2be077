import type { ServerResponse } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { freePort } from '@mcp-platform/test-kit'
import { against, environment, instance, registry } from './against.js'
import { problem, startFakeGateway } from './fake-gateway.js'
import { mcpp, startMcpp } from './mcpp.js'

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
