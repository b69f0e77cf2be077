import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { against, home, instance, registry } from './against.js'

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
    const started = await against({ 'POST /gateway/register': response }, [
      ...['gateway', 'register', 's', '--command', 'x', '--wait'],
    ])
    expect(started.stdout).toContain('connection refused\nTry: mcpp gateway logs\n')
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

  it('says where to take out what a registry file brings back, also with --json', async () => {
    const removed = { message: 'removed', in_flight: 0, source: 'file:/etc/registry.yaml', returns: true }
    const routes = { 'DELETE /gateway/deregister/search/a': removed }
    const { code, stdout, stderr } = await against(routes, ['gateway', 'deregister', 'search', 'a', '--json'])
    expect([code, JSON.parse(stdout)]).toEqual([0, removed])
    expect(stderr).toBe('Warning: to be rid of it for good, take the entry out of /etc/registry.yaml\n')
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
