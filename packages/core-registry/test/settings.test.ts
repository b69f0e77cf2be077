import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  DEFAULT_SETTINGS,
  effectiveSettings,
  instanceMaxInFlight,
  type PartialTemplateSettings,
  parseSettings,
  settingsToWire,
} from '../src/index.js'
import { body, by, faultsOf, http, makeRegistry } from './support.js'

const ALL_WIRE = {
  load_balancer: {
    strategy: 'rendezvous',
    health_check_interval: 15,
    health_check_timeout: 2.5,
    max_retries: 0,
    timeout: 30,
    max_in_flight: 10,
    queue_size: 0,
    queue_timeout: 0.25,
  },
  timeouts: { connect: 1, first_byte: 2, call_first_byte: 3, idle: 4 },
  health_check: { kind: 'tool', name: 'echo', arguments: { text: 'hi' } },
  failover: {
    trust_annotations: true,
    refusal_is_before_execution: true,
    retry_reads: false,
    tools: { read: 'safe', write: 'never' },
  },
  affinity: { by: 'header', name: 'x-tenant' },
  stdio: { pool_size: 2, sharing: 'exclusive', idle_stop: 60 },
  protocol: 'legacy',
  audit: 'calls',
  alias: 'f',
  max_answer_bytes: 4_096,
}

const ms = (min: number, max: number) => fc.integer({ min, max })
const anyTimeouts = fc.record(
  {
    connectMs: ms(10, 600_000),
    firstByteMs: ms(10, 3_600_000),
    callFirstByteMs: ms(10, 3_600_000),
    idleMs: ms(100, 3_600_000),
    totalMs: ms(100, 3_600_000),
  },
  { requiredKeys: ['idleMs'] },
)
const anyHealthCheck = fc.oneof(
  fc.constant({ kind: 'mcp' as const }),
  fc.record({
    kind: fc.constant('tool' as const),
    name: fc.string({ minLength: 1 }),
    arguments: fc.constant({ a: [1] }),
  }),
  fc.record({ kind: fc.constant('http' as const), path: fc.constantFrom('/', '/healthz?x=1'), status: ms(100, 599) }),
  fc.record({
    kind: fc.constant('command' as const),
    command: fc.constantFrom('check', '/opt/my tools/check', 'C:\\x"y'),
    args: fc.array(fc.string()),
  }),
)
const anySettings: fc.Arbitrary<PartialTemplateSettings> = fc.record(
  {
    strategy: fc.constantFrom('round_robin', 'weighted', 'peak_ewma'),
    healthCheckIntervalMs: ms(100, 86_400_000),
    maxRetries: ms(0, 100),
    maxInFlight: ms(1, 100_000),
    queueTimeoutMs: ms(0, 600_000),
    timeouts: anyTimeouts,
    healthCheck: anyHealthCheck,
    failover: fc.record({ trustAnnotations: fc.boolean(), tools: fc.constant({ read: 'safe' as const }) }),
    affinity: fc.constantFrom({ by: 'principal' as const }, { by: 'argument' as const, name: 'path' }),
    stdio: fc.record({ poolSize: ms(1, 64), sharing: fc.constantFrom('shared' as const, 'exclusive' as const) }),
    protocol: fc.constantFrom('auto', 'modern'),
    alias: fc.constantFrom('a', 'b-1'),
  },
  { requiredKeys: [] },
)

describe('the wire form of settings', () => {
  it('has a place for everything and comes back as it was', () => {
    expect(settingsToWire(parseSettings(ALL_WIRE))).toEqual(ALL_WIRE)
  })

  it('survives the way to the wire and back for any settings', () => {
    fc.assert(fc.property(anySettings, (settings) => expect(parseSettings(settingsToWire(settings))).toEqual(settings)))
  })

  it('takes timeouts.total and load_balancer.timeout for the same setting', async () => {
    const settings = { timeouts: { totalMs: 60_000 } }
    expect(parseSettings({ timeouts: { total: 60 } })).toEqual(settings)
    expect(parseSettings({ timeouts: { total: 60 }, load_balancer: { timeout: 60 } })).toEqual(settings)
    expect(await faultsOf(() => parseSettings({ timeouts: { total: 60 }, load_balancer: { timeout: 61 } }))).toEqual([
      'timeouts.total: contradicts load_balancer.timeout: the two are the same setting, give one of them',
    ])
  })

  it('reports every fault with what was given and what is expected', async () => {
    const input = {
      load_balancer: { strategy: 'fast', timeout: '30', max_retries: 1.5, queue_size: -1, retries: 1 },
      timeouts: { total: 3_601, connect: null },
      health_check: { kind: 'ping' },
      failover: { tools: { x: 'maybe' }, trust_annotations: 'yes' },
      affinity: { by: 'header' },
      stdio: [],
      alias: 'x'.repeat(17),
      speed: 1,
    }
    expect(await faultsOf(() => parseSettings(input))).toEqual([
      'load_balancer.retries: unknown field; known fields are strategy, health_check_interval, health_check_timeout, max_retries, timeout, max_in_flight, queue_size, queue_timeout',
      'stdio: expected an object',
      'speed: unknown field; known fields are load_balancer, timeouts, health_check, failover, affinity, stdio, protocol, audit, alias, max_answer_bytes',
      'load_balancer.strategy: expected one of round_robin, least_connections, weighted, health_based, random, peak_ewma, rendezvous; got the text "fast"',
      'load_balancer.max_retries: expected a whole number from 0 to 100, got the number 1.5',
      'load_balancer.timeout: expected a number, got the text "30" (write it without quotes)',
      'load_balancer.queue_size: expected a whole number from 0 to 100000, got the number -1',
      'timeouts.connect: expected a number, got null',
      'timeouts.total: expected seconds from 0.1 to 3600, got the number 3601',
      'health_check.kind: expected one of mcp, tool, http, command; got the text "ping"',
      'failover.trust_annotations: expected true or false, got the text "yes"',
      'failover.tools.x: expected one of safe, never; got the text "maybe"',
      'affinity.name: is required: which header',
      'alias: must have at most 16 characters, got 17',
    ])
    expect(await faultsOf(() => parseSettings('x'))).toEqual([': expected an object of settings'])
  })

  it.each([
    [{ kind: 'http', path: 'healthz' }],
    [{ kind: 'http', path: '//evil.example' }],
    [{ kind: 'command', command: 'a "b' }],
    [{ kind: 'mcp', name: 'x' }],
    [{ kind: 'tool' }],
  ])('refuses the health check %p', async (health_check) => {
    expect(await faultsOf(() => parseSettings({ health_check }))).toHaveLength(1)
  })

  it('splits the command of a health check', () => {
    expect(parseSettings({ health_check: { kind: 'command', command: 'check "a b"', args: ['c'] } })).toEqual({
      healthCheck: { kind: 'command', command: 'check', args: ['a b', 'c'] },
    })
  })
})

describe('effectiveSettings', () => {
  it('fills everything in', () => {
    expect(effectiveSettings({})).toEqual(DEFAULT_SETTINGS)
    const { timeouts, stdio } = effectiveSettings({ timeouts: { idleMs: 1_000 }, stdio: { poolSize: 3 } })
    expect(timeouts).toEqual({ ...DEFAULT_SETTINGS.timeouts, idleMs: 1_000 })
    expect(stdio).toEqual({ ...DEFAULT_SETTINGS.stdio, poolSize: 3 })
  })

  it("puts the operator's defaults below what the template sets", () => {
    const defaults = { strategy: 'weighted', maxRetries: 1, timeouts: { totalMs: 5_000 } } as const
    const settings = effectiveSettings({ maxRetries: 2, timeouts: { idleMs: 1_000 } }, defaults)
    expect(settings).toMatchObject({ strategy: 'weighted', maxRetries: 2, timeouts: { totalMs: 5_000, idleMs: 1_000 } })
  })

  it('does not let an explicit undefined hide a default', () => {
    expect(effectiveSettings({ strategy: undefined, timeouts: { idleMs: undefined } })).toEqual(DEFAULT_SETTINGS)
  })
})

describe('instanceMaxInFlight', () => {
  const web = { attach: { kind: 'http', url: 'http://x', transport: 'auto', headers: {} } } as const
  const child = { attach: { kind: 'stdio', command: 'x', args: [], env: {} } } as const

  it('is 64 behind a URL and 16 for a child, the template or the instance may say otherwise', () => {
    expect(instanceMaxInFlight(web, effectiveSettings({}))).toBe(64)
    expect(instanceMaxInFlight(child, effectiveSettings({}))).toBe(16)
    expect(instanceMaxInFlight(web, effectiveSettings({ maxInFlight: 5 }))).toBe(5)
    expect(instanceMaxInFlight(child, effectiveSettings({ maxInFlight: 5 }))).toBe(5)
    expect(instanceMaxInFlight(child, effectiveSettings({}, { maxInFlight: 7 }))).toBe(7)
    expect(instanceMaxInFlight({ ...child, maxInFlight: 2 }, effectiveSettings({ maxInFlight: 5 }))).toBe(2)
  })
})

describe('a patch of a template', () => {
  it('changes what it names, resets by null, and keeps the rest', async () => {
    const { registry } = makeRegistry()
    await registry.register(body('fs', http(1)), { by })
    const update = async (patch: unknown) => settingsToWire((await registry.updateTemplate('fs', patch, by)).settings)
    await update({ load_balancer: { strategy: 'random', max_retries: 1 }, timeouts: { idle: 5, connect: 1 } })
    expect(await update({ load_balancer: { strategy: null }, timeouts: { idle: 6 } })).toEqual({
      load_balancer: { max_retries: 1 },
      timeouts: { connect: 1, idle: 6 },
    })
    expect(await update({ timeouts: null, affinity: { by: 'principal' } })).toEqual({
      load_balancer: { max_retries: 1 },
      affinity: { by: 'principal' },
    })
    expect(await update({ affinity: null, load_balancer: null })).toEqual({})
  })

  it('is refused for an unknown template and for bad settings', async () => {
    const { registry } = makeRegistry()
    await expect(registry.updateTemplate('no', {}, by)).rejects.toMatchObject({ code: 'REGISTRY_TEMPLATE_NOT_FOUND' })
    expect(await faultsOf(() => registry.updateTemplate('no', { audit: 'on' }, by))).toHaveLength(1)
  })
})
