import { chmod, mkdir, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { freePort, type TempDir, tempDir } from '@mcp-platform/test-kit'
import { startFakeGateway } from './fake-gateway.js'
import { mcpp, type Run } from './mcpp.js'

interface Finding {
  readonly check: string
  readonly level: string
  readonly message: string
  readonly fix?: string
}

let home: TempDir
beforeEach(async () => {
  home = await tempDir()
})
afterEach(() => home.stop())

function environment(env: Readonly<Record<string, string>> = {}) {
  return { MCPP_STATE_DIR: join(home.path, 'state'), MCPP_CONFIG_DIR: join(home.path, 'config'), ...env }
}

async function doctor(args: readonly string[] = [], env?: Readonly<Record<string, string>>) {
  const run: Run = await mcpp(['gateway', 'doctor', '--json', ...args], { env: environment(env) })
  const { findings }: { findings: Finding[] } = JSON.parse(run.stdout)
  const of = (check: string): Finding[] => findings.filter((finding) => finding.check === check)
  return { ...run, findings, of }
}

describe('gateway doctor', () => {
  it('finds nothing wrong before the first start, and says that no gateway runs', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, stdout } = await mcpp(['gateway', 'doctor', '--url', url], { env: environment() })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok +node +Node\.js \d+/m)
    expect(stdout).toMatch(/^ok +exposure +listens on 127\.0\.0\.1/m)
    expect(stdout).toMatch(/^ok +database .*gateway\.db will be made at the first start$/m)
    expect(stdout).toMatch(/^warning +gateway +cannot reach .*\n +fix: mcpp gateway start --background$/m)
    expect(stdout).toContain('0 wrong, 1 to look at.')
  })

  it('is well with a gateway that is, and with the settings it was started with', async () => {
    const start = ['gateway', 'start', '--background', '--port', '0', '--auth']
    expect(await mcpp(start, { env: environment() })).toMatchObject({ code: 0, stderr: '' })
    try {
      const { code, findings, of } = await doctor()
      expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
      expect(code).toBe(0)
      expect(of('exposure')[0]?.message).toContain('every call needs a credential')
      expect(of('database')[0]?.message).toContain('answers and is up to date')
      expect(of('clock')[0]?.message).toContain('agree')
      expect(of('gateway')[0]?.message).toContain('answers at http://127.0.0.1:')

      const closed = await freePort()
      const register = ['gateway', 'register', 'search', '--endpoint', `http://127.0.0.1:${closed}/mcp`, '--wait']
      expect((await mcpp(register, { env: environment() })).code).toBe(1)
      const sick = await doctor()
      expect(sick.code).toBe(1)
      expect(sick.of('upstreams')[0]).toMatchObject({ level: 'error', fix: 'mcpp gateway explain search' })
      expect(sick.of('upstreams')[0]?.message).toMatch(/is (?:starting|unhealthy): .*ECONNREFUSED/)
    } finally {
      await mcpp(['gateway', 'stop', '--timeout', '5', '--force'], { env: environment() })
    }
  })

  it('ends with 1 for files that others can read or change, and says how to close them', async () => {
    const state = join(home.path, 'state')
    await mkdir(state, { mode: 0o700 })
    await writeFile(join(state, 'admin-token'), 's3cret', { mode: 0o600 })
    expect((await doctor()).of('files')).toMatchObject([{ level: 'ok' }])
    await chmod(join(state, 'admin-token'), 0o644)
    await chmod(state, 0o777)
    const { code, of } = await doctor()
    expect(code).toBe(1)
    expect(of('files').map(({ message, fix }) => [message, fix])).toEqual([
      [`others can change ${state}`, `chmod 700 ${state}`],
      [`others can read ${state}/admin-token`, `chmod 600 ${state}/admin-token`],
    ])
  })

  it('ends with 1 when everybody may call tools', async () => {
    const { code, of } = await doctor(['--host', '0.0.0.0', '--no-auth', '--insecure', '--stdio-mode', 'commands'])
    expect(code).toBe(1)
    expect(of('exposure').map(({ level }) => level)).toEqual(['error', 'warning'])
    expect(of('tls')).toMatchObject([{ level: 'warning' }])
    const safe = await doctor(['--host', '0.0.0.0', '--behind-proxy'])
    expect([...safe.of('exposure'), ...safe.of('tls')].map(({ level }) => level)).toEqual(['ok', 'ok'])
  })

  it('names settings and certificates that cannot be used', async () => {
    const cert = join(home.path, 'cert.pem')
    await writeFile(cert, 'no certificate')
    const { code, of } = await doctor(['--port', 'abc', '--tls-cert', cert, '--tls-key', cert])
    expect(code).toBe(1)
    expect(of('settings')[0]?.message).toContain('--port')
    expect(of('tls').map(({ message }) => message)).toContain(
      `the certificate ${cert} cannot be used (it is no certificate in PEM)`,
    )
  })

  it('misses the master key of a shared database, and never prints a password', async () => {
    const port = await freePort()
    const url = `postgresql://mcpp:hunter2@127.0.0.1:${port}/mcpp`
    const { code, of, stdout, stderr } = await doctor(['--database', url], { MCP_GATEWAY_ADMIN_PASSWORD: 'pa55' })
    expect(code).toBe(1)
    expect(of('secrets').map(({ level, message }) => [level, message.split(',')[0]])).toEqual([
      ['error', 'a database that nodes share needs a master key'],
      ['warning', 'the password of the first administrator is still in the environment; it is needed once'],
      ['warning', 'the password of the database is among the arguments'],
    ])
    expect(of('database')).toMatchObject([{ level: 'error' }])
    expect(stdout + stderr).not.toMatch(/hunter2|pa55/)
  })

  it('notices a clock that differs from that of the gateway', async () => {
    await using gateway = await startFakeGateway({
      'HEAD /health/live': (response: ServerResponse) => {
        response.setHeader('date', new Date(Date.now() - 120_000).toUTCString()).end()
      },
    })
    const { code, of } = await doctor(['--url', gateway.url])
    expect(code).toBe(1)
    expect(of('clock')[0]?.message).toMatch(/^this clock is 12[01] s ahead of the gateway's$/)
  })

  it('looks at the rest when a login has ended', async () => {
    const login = { origin: 'http://127.0.0.1:1', user: 'anna' }
    await mkdir(join(home.path, 'config'), { mode: 0o700 })
    const document = { profiles: { default: { login } } }
    await writeFile(join(home.path, 'config', 'config.json'), JSON.stringify(document), { mode: 0o600 })
    const { findings, stderr } = await doctor(['--url', 'http://127.0.0.1:1'])
    expect(findings.length).toBeGreaterThan(5)
    expect(stderr).toContain('Log in again: mcpp gateway login anna')
  })
})
