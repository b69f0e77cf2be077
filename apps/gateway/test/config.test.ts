import { mkdtemp, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { describeConfig } from '../src/config/describe.js'
import { loadConfig } from '../src/config/load.js'
import { GatewayConfigError } from '../src/errors.js'

async function file(name: string, content: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'mcpp-config-')), name)
  await writeFile(path, content)
  return path
}

async function faultOf(sources: Parameters<typeof loadConfig>[0]): Promise<GatewayConfigError> {
  try {
    await loadConfig({ env: {}, ...sources })
  } catch (error) {
    if (error instanceof GatewayConfigError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('configuration', () => {
  it('takes a number of workers, or auto for one per core', async () => {
    expect((await loadConfig({ env: {}, flags: { workers: '3' } })).settings.workers).toBe(3)
    expect((await loadConfig({ env: {}, flags: { workers: 'auto' } })).settings.workers).toBe(availableParallelism())
    const { message } = await faultOf({ flags: { workers: 0 } })
    expect(message).toBe('--workers: expected a whole number from 1 to 256, or auto, got 0')
  })

  it('takes a flag before the environment, the environment before the file, the file before the default', async () => {
    const configFile = await file('gateway.yaml', 'port: 1001\nhost: 127.0.0.2\nmax_retries: 7\n')
    const { settings, origins } = await loadConfig({
      flags: { port: 1003 },
      env: { MCP_GATEWAY_PORT: '1002', MCP_GATEWAY_HOST: '127.0.0.3' },
      configFile,
    })
    expect(settings).toMatchObject({ port: 1003, host: '127.0.0.3', maxRetries: 7, strategy: 'round_robin' })
    expect(origins).toMatchObject({
      port: '--port',
      host: 'MCP_GATEWAY_HOST',
      maxRetries: `max_retries in ${configFile}`,
      strategy: 'default',
    })
  })

  it("understands the seed's environment", async () => {
    const { settings, warnings } = await loadConfig({
      env: {
        MCP_GATEWAY_HOST: '0.0.0.0',
        MCP_GATEWAY_PORT: '8090',
        MCP_GATEWAY_REGISTRY_FILE: '/path/to/registry.json',
        MCP_GATEWAY_HEALTH_INTERVAL: '15',
        MCP_GATEWAY_HEALTH_TIMEOUT: '2.5',
        MCP_GATEWAY_DEFAULT_STRATEGY: 'least_connections',
        MCP_GATEWAY_MAX_RETRIES: '5',
        MCP_GATEWAY_DATABASE_URL: 'postgresql://u:p@db/gateway',
      },
    })
    expect(settings).toMatchObject({
      host: '0.0.0.0',
      port: 8090,
      registryFile: '/path/to/registry.json',
      healthInterval: 15,
      healthTimeout: 2.5,
      strategy: 'least_connections',
      maxRetries: 5,
      database: 'postgresql://u:p@db/gateway',
    })
    expect(warnings).toEqual([])
  })

  it('takes PORT where nothing nearer gives a port, and ignores empty variables', async () => {
    const env = { PORT: '4000', MCP_GATEWAY_PORT: '' }
    expect((await loadConfig({ env })).settings.port).toBe(4000)
    expect((await loadConfig({ env: { ...env, MCP_GATEWAY_PORT: '5000' } })).settings.port).toBe(5000)
  })

  it('names setting, source and bad value of every fault at once', async () => {
    const configFile = await file('gateway.json', '{"health_interval":"soon","strategy":"fastest"}')
    const error = await faultOf({ flags: { port: 70_000 }, env: { MCP_GATEWAY_MAX_RETRIES: 'many' }, configFile })
    expect(error.errors).toEqual([
      { name: 'port', source: '--port', message: 'expected a whole number from 0 to 65535, got 70000' },
      {
        name: 'strategy',
        source: `strategy in ${configFile}`,
        message:
          'expected one of round_robin, least_connections, weighted, health_based, random, peak_ewma, rendezvous, got "fastest"',
      },
      {
        name: 'health_interval',
        source: `health_interval in ${configFile}`,
        message: 'expected seconds from 0.1 to 86400, got "soon"',
      },
      {
        name: 'max_retries',
        source: 'MCP_GATEWAY_MAX_RETRIES',
        message: 'expected a whole number from 0 to 100, got "many"',
      },
    ])
    expect(error.message).toContain('--port: expected a whole number from 0 to 65535, got 70000; ')
  })

  it('refuses unknown keys of the file with the nearest name, and warns of unknown variables', async () => {
    const configFile = await file('gateway.yaml', 'helth_interval: 5\n')
    const error = await faultOf({ configFile })
    expect(error.message).toBe(
      `${configFile}: has the unknown setting "helth_interval"; did you mean "health_interval"?`,
    )
    const { warnings } = await loadConfig({ env: { MCP_GATEWAY_PROT: '1' } })
    expect(warnings).toEqual([
      'MCP_GATEWAY_PROT is not a setting of the gateway and has no effect; did you mean MCP_GATEWAY_PORT?',
    ])
  })

  it('refuses a file that is missing, no YAML, or no object', async () => {
    expect((await faultOf({ configFile: '/nowhere/gateway.yaml' })).message).toBe(
      '/nowhere/gateway.yaml: there is no such configuration file',
    )
    expect((await faultOf({ configFile: await file('a.yaml', 'port: 1\nhost: [S3cret') })).message).toMatch(
      /a\.yaml: is neither JSON nor YAML \(line 2 column \d+: [A-Z_]+\)$/,
    )
    expect((await faultOf({ configFile: await file('a.yaml', '- port') })).message).toMatch(/must hold an object/)
  })

  it('refuses a file whose aliases would make it grow without bound, or lead nowhere', async () => {
    const levels = Array.from({ length: 8 }, (_, at) => `l${at + 1}: &l${at + 1} [${Array(10).fill(`*l${at}`).join()}]`)
    const bomb = ['l0: &l0 [x]', ...levels].join('\n')
    for (const text of [bomb, 'port: *S3cret']) {
      const { message } = await faultOf({ configFile: await file('a.yaml', text) })
      expect(message).toMatch(/a\.yaml: is neither JSON nor YAML \(/)
      expect(message).not.toContain('S3cret')
    }
  })

  it('reads paths of a file relative to the file', async () => {
    const configFile = await file('gateway.yaml', 'registry_file: registry.json\n')
    const { settings } = await loadConfig({ env: {}, configFile })
    expect(settings.registryFile).toBe(join(configFile, '..', 'registry.json'))
  })

  it('refuses to run without authentication on an address that others reach', async () => {
    const error = await faultOf({ flags: { host: '0.0.0.0', auth: false } })
    expect(error.message).toBe(
      '--auth: is off, but 0.0.0.0 is reachable from other machines; turn it on, or add --insecure',
    )
    const insecure = await loadConfig({ env: {}, flags: { host: '0.0.0.0', auth: false, insecure: true } })
    expect(insecure.settings.auth).toBe(false)
  })

  it('refuses a certificate without its key, and a flag that is no setting', async () => {
    expect((await faultOf({ flags: { 'tls-cert': 'a.pem' } })).message).toBe('--tls-cert: needs tls_key as well')
    expect((await faultOf({ flags: { prot: 1 } })).message).toBe(
      '--prot: is not a setting of the gateway; did you mean --port?',
    )
  })

  it('describes every setting with value and source, without passwords', async () => {
    const env = { MCP_GATEWAY_DATABASE_URL: 'postgresql://gateway:s3cret@db/gateway', MCPP_STATE_DIR: '/state' }
    const { settings, errors } = await describeConfig({ env, flags: { port: 'x' } })
    const of = (name: string) => settings.find((setting) => setting.name === name)
    expect(of('database')).toMatchObject({
      value: 'postgresql://gateway:***@db/gateway',
      source: 'MCP_GATEWAY_DATABASE_URL',
      flag: '--database',
      env: ['MCP_GATEWAY_DATABASE_URL', 'MCP_GATEWAY_DATABASE'],
    })
    expect(of('auth')).toMatchObject({ value: false, source: 'default' })
    expect(of('state_dir')).toMatchObject({ value: '/state', source: 'MCPP_STATE_DIR' })
    expect(JSON.stringify(settings)).not.toContain('s3cret')
    expect(errors.map(({ name }) => name)).toEqual(['port'])
  })
})
