import { afterEach, describe, expect, it } from '@jest/globals'
import { type Fault, type FaultServer, faults, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { rest } from './support/rest.js'

let harness: Harness | undefined
const servers: FaultServer[] = []

afterEach(async () => {
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.stop()
})

async function start(
  count: number,
  options: Parameters<typeof startFaultServer>[1] = {},
  settings: Record<string, unknown> = {},
): Promise<FaultServer[]> {
  for (let index = 0; index < count; index++) servers.push(await startFaultServer(undefined, options))
  const instances = servers.map((server, index) => ({ id: `i${index}`, endpoint: server.url }))
  harness = await startGateway({ t: instances }, { settings, random: () => 0 })
  return servers
}

const base = () => harness?.base ?? ''
const call = (canary: string, tool = 'echo', headers = {}) =>
  rest(base(), '/mcp/t/tools/call', { name: tool, arguments: { canary } }, headers)
const executions = (canary: string) => servers.reduce((sum, server) => sum + server.executions(canary), 0)

const AFTER_SENDING: readonly (readonly [string, Fault, number, string])[] = [
  ['resets after the request', { kind: 'reset' }, 502, 'OUTCOME_UNKNOWN'],
  ['closes without an answer', { kind: 'fin' }, 502, 'OUTCOME_UNKNOWN'],
  ['answers 500', faults.serverError(), 502, 'OUTCOME_UNKNOWN'],
  ['answers garbage', { kind: 'garbage' }, 502, 'OUTCOME_UNKNOWN'],
  ['answers broken JSON', { kind: 'bad-json' }, 502, 'OUTCOME_UNKNOWN'],
  ['answers HTML', { kind: 'html' }, 502, 'OUTCOME_UNKNOWN'],
  ['answers nothing', { kind: 'empty' }, 502, 'OUTCOME_UNKNOWN'],
  ['answers another id', { kind: 'wrong-id' }, 502, 'OUTCOME_UNKNOWN'],
  ['cuts the body', { kind: 'truncated-body' }, 502, 'OUTCOME_UNKNOWN'],
  ['cuts the stream', { kind: 'truncated-sse' }, 502, 'OUTCOME_UNKNOWN'],
  ['compresses unasked', { kind: 'gzip' }, 502, 'OUTCOME_UNKNOWN'],
]

describe.each(['legacy', 'modern'] as const)('a tool call on a %s server', (era) => {
  it.each(AFTER_SENDING)('is not repeated when the server %s', async (_, fault, status, code) => {
    const [first] = await start(3, { era })
    for (const server of servers) server.setScript(fault)
    const answer = await call('c1')
    expect(answer).toMatchObject({ status, json: { code, executed: 'unknown', attempts: 1 } })
    expect(executions('c1')).toBeLessThanOrEqual(1)
    expect(first).toBeDefined()
  })

  it('goes to another instance when the first cannot be reached', async () => {
    await start(3, { era })
    await servers[0]?.setConnections('refuse')
    servers[0]?.cut()
    for (let index = 0; index < 6; index++) expect((await call(`c${index}`)).status).toBe(200)
    for (let index = 0; index < 6; index++) expect(executions(`c${index}`)).toBe(1)
  })

  it('says that it did not run when no instance can be reached', async () => {
    await start(2, { era })
    expect((await call('warm')).status).toBe(200)
    for (const server of servers) {
      await server.setConnections('refuse')
      server.cut()
    }
    const answer = await call('c1')
    expect(answer).toMatchObject({
      status: 503,
      json: { code: 'NO_INSTANCE_AVAILABLE', executed: 'no', retryable: true },
    })
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(executions('c1')).toBe(0)
  })

  it('times out with its outcome unknown when the server never answers', async () => {
    await start(1, { era }, { timeouts: { call_first_byte: 0.3 } })
    servers[0]?.setScript({ kind: 'silence' })
    expect(await call('c1')).toMatchObject({
      status: 504,
      json: { code: 'OUTCOME_UNKNOWN_TIMEOUT', executed: 'unknown' },
    })
  })

  it('is given up after its total time, which a caller may shorten', async () => {
    await start(1, { era })
    servers[0]?.setScript({ kind: 'silence' })
    const answer = await call('c1', 'echo', { 'request-timeout': '0.3' })
    expect(answer).toMatchObject({ status: 504, json: { code: 'OUTCOME_UNKNOWN_TIMEOUT', executed: 'unknown' } })
  })

  it('is repeated when the operator called the tool safe', async () => {
    await start(3, { era }, { failover: { tools: { echo: 'safe' } } })
    servers[0]?.setScript([{ kind: 'reset' }])
    servers[1]?.setScript([{ kind: 'reset' }])
    servers[2]?.setScript([{ kind: 'reset' }])
    const answer = await call('c1')
    expect(answer.status).toBe(200)
    // Each of the three fails once; the fourth attempt is the last that max_retries allows.
    expect(answer.headers.get('x-gateway-attempts')).toBe('4')
  })

  it('is repeated on trusted annotations and on no others', async () => {
    await start(2, { era }, { failover: { trust_annotations: true } })
    for (const server of servers) server.setScript([{ kind: 'reset' }])
    expect((await call('c1', 'read_only_echo')).status).toBe(200)
    for (const server of servers) server.setScript([{ kind: 'reset' }])
    expect(await call('c2', 'echo')).toMatchObject({ status: 502, json: { executed: 'unknown' } })
  })

  it('keeps an error of the tool a success, word for word', async () => {
    await start(1, { era })
    expect(await call('c1', 'fail')).toMatchObject({ status: 200, json: { isError: true } })
  })

  it.each([
    [-32602, 422, 'UPSTREAM_INVALID_PARAMS'],
    [-32601, 404, 'UPSTREAM_METHOD_NOT_FOUND'],
    [-32603, 502, 'UPSTREAM_ERROR'],
    [-31999, 502, 'UPSTREAM_ERROR'],
  ])('shows the JSON-RPC error %i as %i, never as a 200', async (code, status, problem) => {
    await start(1, { era })
    servers[0]?.setScript({ kind: 'rpc-error', code, message: 'no', data: { why: 1 } })
    expect(await call('c1')).toMatchObject({
      status,
      json: { code: problem, upstream: { code, message: 'no', data: { why: 1 } } },
    })
  })

  it('never shows an upstream 401 as one of ours', async () => {
    await start(1, { era })
    servers[0]?.setScript(faults.unauthorized())
    expect(await call('c1')).toMatchObject({ status: 502, json: { code: 'UPSTREAM_UNAUTHORIZED', executed: 'no' } })
  })

  it('passes on that the server is overloaded', async () => {
    await start(1, { era })
    servers[0]?.setScript(faults.unavailable(7))
    const answer = await call('c1')
    expect(answer).toMatchObject({
      status: 503,
      json: { code: 'OVERLOADED', executed: 'unknown', retry_after_seconds: 7 },
    })
    expect(answer.headers.get('retry-after')).toBe('7')
  })

  it('goes on after a refusal where the operator says that it comes before execution', async () => {
    await start(2, { era }, { failover: { refusal_is_before_execution: true } })
    for (const server of servers) server.setScript([faults.unavailable()])
    expect((await call('c1')).status).toBe(200)
  })

  it('does not follow a redirect', async () => {
    await start(1, { era })
    servers[0]?.setScript(faults.redirect('http://169.254.169.254/latest/meta-data'))
    expect((await call('c1')).status).toBe(502)
  })

  it('does not deliver more than the template allows', async () => {
    await start(1, { era }, { max_answer_bytes: 100_000 })
    servers[0]?.setScript({ kind: 'huge', bytes: 1_000_000 })
    expect(await call('c1')).toMatchObject({ status: 502, json: { executed: 'unknown' } })
  })
})

describe.each(['legacy', 'modern'] as const)('a list of %s servers', (era) => {
  it('survives each single failure without an error', async () => {
    await start(3, { era })
    const script = (request: { rpcMethod?: string | undefined }, fault: Fault): Fault | undefined =>
      request.rpcMethod === 'tools/list' ? fault : undefined
    for (const [, fault] of AFTER_SENDING) {
      servers[0]?.setScript((request) => script(request, fault))
      for (let round = 0; round < 3; round++) expect((await rest(base(), '/mcp/t/tools/list')).status).toBe(200)
    }
  })
})

describe('a failing instance', () => {
  it('is ejected, gets next to nothing, and is back after it healed', async () => {
    await start(3, { era: 'modern' }, { load_balancer: { health_check_interval: 1 } })
    await servers[0]?.setConnections('refuse')
    servers[0]?.cut()
    await waitFor(async () => {
      await call('x')
      return (await rest(base(), '/mcp/t/health')).json['healthy_instances'] === 2
    })
    await servers[0]?.setConnections('accept')
    await waitFor(async () => (await rest(base(), '/mcp/t/health')).json['healthy_instances'] === 3, {})
  })
})
