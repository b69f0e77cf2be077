import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { GatewayReport } from '@mcp-platform/contract'
import { type TempDir, tempDir } from '@mcp-platform/test-kit'
import { problem, type Routes, startFakeGateway } from './fake-gateway.js'
import { mcpp } from './mcpp.js'

interface Finding {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly fix?: string
}

const { version } = (await import('../package.json', { with: { type: 'json' } })).default
const health = {
  status: 'empty',
  version,
  uptime_seconds: 5,
  database: 'ok',
  templates: 0,
  instances: { total: 0, healthy: 0, unhealthy: 0 },
}
const node = { id: 'n-1', self: true, version, started_at: '2026-11-22T10:00:00Z', last_seen: '2026-11-22T10:00:00Z' }
const well: GatewayReport = {
  version,
  exposure: { host: '127.0.0.1', auth: true, tls: false, behind_proxy: false, stdio_mode: 'commands' },
  workers: 1,
  database: {
    state: 'ok',
    dialect: 'postgresql',
    schema: { state: 'current', usable: true, pending: [], unknown: [] },
  },
  nodes: [node],
  audit: { spool_bytes: 0, dropped: 0 },
  master_key: { id: 'key-b', also_reads: [], database_id: 'key-b' },
}
const previous = { id: 'key-a', replaced_at: '2026-11-22T10:00:00Z', read_until: '2999-12-22T10:00:00Z' }

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

const environment = () => ({ MCPP_STATE_DIR: home.path, MCPP_CONFIG_DIR: home.path })

async function doctor(routes: Routes) {
  await using gateway = await startFakeGateway({
    'GET /gateway/health': health,
    'GET /gateway/registry': { templates: {}, stats: {} },
    ...routes,
  })
  const { code, stdout } = await mcpp(['gateway', 'doctor', '--json', '--url', gateway.url], { env: environment() })
  const { findings }: { findings: Finding[] } = JSON.parse(stdout)
  return { code, findings, of: (check: string) => findings.filter((finding) => finding.check === check) }
}

describe('gateway doctor of a gateway that runs elsewhere', () => {
  it('judges what the gateway says, and not the settings of a start here', async () => {
    const { code, findings } = await doctor({ 'GET /gateway/report': well })
    expect(code).toBe(0)
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
    const checks = ['node', 'clock', 'gateway', 'exposure', 'database', 'audit', 'master key', 'upstreams']
    expect(findings.map(({ check }) => check)).toEqual(checks)
  })

  type Told = readonly [check: string, level: string, says: RegExp]
  const schemaOf = (
    state: 'newer' | 'pending',
    schema: { usable: boolean; pending: string[]; unknown: string[] },
  ): GatewayReport['database'] => ({ state: 'ok', dialect: 'postgresql', schema: { state, ...schema } })

  it.each<[what: string, report: Partial<GatewayReport>, told: readonly Told[]]>([
    [
      'everything is wrong',
      {
        not_ready: 'cut off',
        exposure: { host: '0.0.0.0', auth: false, tls: false, behind_proxy: false, stdio_mode: 'commands' },
        database: { state: 'unavailable', dialect: 'postgresql' },
        nodes: [node, { ...node, id: 'n-2', self: false, version: '0.0.9', url: 'http://10.0.0.2:8080' }],
        audit: { spool_bytes: 2_000, dropped: 3 },
        master_key: { ...well.master_key, also_reads: ['key-c'] },
      },
      [
        ['gateway', 'error', /it serves no calls: cut off/],
        ['exposure', 'error', /whoever reaches 0\.0\.0\.0 may call tools/],
        ['tls', 'warning', /traffic on 0\.0\.0\.0 is not encrypted/],
        ['exposure', 'warning', /can run programs/],
        ['database', 'error', /postgresql does not answer the gateway/],
        ['nodes', 'warning', /2 share the database: .*their versions differ/],
        ['audit', 'error', /3 events .* were lost/],
        ['audit', 'warning', /2 KiB .* wait/],
        ['master key', 'warning', /a change has begun: key-c is read as well/],
      ],
    ],
    [
      'the schema is newer and a change of the master key not finished',
      {
        database: schemaOf('newer', { usable: true, pending: [], unknown: ['0099_new'] }),
        master_key: { ...well.master_key, also_reads: ['key-a'], previous },
      },
      [
        ['database', 'warning', /a newer version has changed the schema \(0099_new\)/],
        ['master key', 'warning', /a change is not finished: key-a is given as well, and is read until 2999-12-22/],
      ],
    ],
    [
      'the schema lacks migrations and the database has gone over to another master key',
      {
        database: schemaOf('pending', { usable: false, pending: ['0001_base'], unknown: [] }),
        master_key: { ...well.master_key, database_id: 'key-c' },
      },
      [
        ['database', 'error', /the schema lacks 1 migrations/],
        ['master key', 'warning', /still writes under key-b, the database has gone over to key-c/],
      ],
    ],
  ])('says that %s, and what to do', async (_what, report, told) => {
    const { code, findings } = await doctor({ 'GET /gateway/report': { ...well, ...report } })
    const wrong = findings.filter((finding) => finding.level !== 'ok')
    expect(wrong).toEqual(
      told.map(([check, level, says]) => ({
        check,
        level,
        message: expect.stringMatching(says),
        fix: expect.any(String),
      })),
    )
    expect(code).toBe(told.some(([, level]) => level === 'error') ? 1 : 0)
  })

  it('says what of a registry file was left out', async () => {
    const source = {
      source: 'file:/etc/registry.yaml',
      ok: true,
      instances: 1,
      errors: [{ path: 'templates.a', message: 'is wrong' }],
    }
    const { of } = await doctor({
      'GET /gateway/report': well,
      'GET /gateway/registry': { templates: {}, stats: {}, sources: [source] },
    })
    expect(of('sources')).toMatchObject([
      { level: 'warning', message: 'file:/etc/registry.yaml: 1 instances templates.a: is wrong' },
    ])
  })

  it('says so when the gateway is of another version, or too old to say how it is', async () => {
    const { of } = await doctor({ 'GET /gateway/health': { ...health, version: '0.0.1' } })
    expect(of('gateway').map(({ level, message }) => [level, message.slice(0, 34)])).toEqual([
      ['ok', 'version 0.0.1 answers at http://12'],
      ['warning', 'the gateway is of version 0.0.1, t'],
      ['warning', 'this version of the gateway does n'],
    ])
  })

  it('asks for a login where the credential does not reach that far', async () => {
    const refused = problem(401, 'CREDENTIAL_REQUIRED', 'this gateway needs a credential')
    const { code, of } = await doctor({ 'GET /gateway/report': refused, 'GET /gateway/registry': refused })
    expect(code).toBe(0)
    expect(of('gateway')[1]).toMatchObject({
      level: 'warning',
      fix: 'mcpp gateway login USER (metrics:read is needed)',
    })
    expect(of('upstreams')[0]).toMatchObject({
      level: 'warning',
      fix: 'mcpp gateway login USER (registry:read is needed)',
    })
  })
})

describe('gateway doctor of the gateway of this machine', () => {
  it('asks the one that runs', async () => {
    const run = (...args: string[]) => mcpp(['gateway', ...args], { env: environment() })
    expect(await run('start', '--background', '--port', '0', '--auth')).toMatchObject({ code: 0, stderr: '' })
    try {
      const { stdout } = await run('doctor')
      expect(stdout).toMatch(/^ok +database +sqlite answers and is up to date$/m)
      expect(stdout).toMatch(/^ok +master key +\S+ is in use, and no other$/m)
      expect(stdout).toMatch(/^ok +exposure +listens on 127\.0\.0\.1, every call needs a credential$/m)
    } finally {
      await run('stop', '--timeout', '5', '--force')
    }
  })
})
