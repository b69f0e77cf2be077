import { describe, expect, it } from '@jest/globals'
import { GatewayClient } from '../src/index.js'
import { type FakeGateway, sendJson, sendProblem, startFakeGateway } from './fake-gateway.js'

const noPause = { random: () => 0 }

function overloadedOnce(gateway: FakeGateway, answer: unknown, facts: { executed?: 'no' | 'unknown' } = {}): void {
  gateway.answerWith((_, response) => {
    if (gateway.seen.length > 1) sendJson(response, answer)
    else sendProblem(response, { status: 503, code: 'OVERLOADED', retryable: true, ...facts })
  })
}

describe('retries', () => {
  it('repeats a list when the gateway is overloaded', async () => {
    await using gateway = await startFakeGateway()
    overloadedOnce(gateway, { tools: [], count: 0 })
    await using client = new GatewayClient({ baseUrl: gateway.url, ...noPause })
    expect(await client.listTools('fs')).toEqual([])
    expect(gateway.seen).toHaveLength(2)
  })

  it('gives up after maxRetries further attempts', async () => {
    await using gateway = await startFakeGateway((_, response) =>
      sendProblem(response, { status: 503, code: 'OVERLOADED' }),
    )
    await using client = new GatewayClient({ baseUrl: gateway.url, maxRetries: 3, ...noPause })
    await expect(client.stats()).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(gateway.seen).toHaveLength(4)
  })

  it('does not wait for a gateway that asks for a long pause', async () => {
    await using gateway = await startFakeGateway((_, response) =>
      sendProblem(response, { status: 429, code: 'RATE_LIMITED', retry_after_seconds: 60 }),
    )
    await using client = new GatewayClient({ baseUrl: gateway.url, ...noPause })
    await expect(client.stats()).rejects.toMatchObject({ retryAfterMs: 60_000 })
    expect(gateway.seen).toHaveLength(1)
  })

  it('never repeats a tool call by itself, even one that did not run', async () => {
    await using gateway = await startFakeGateway()
    overloadedOnce(gateway, { content: [] }, { executed: 'no' })
    await using client = new GatewayClient({ baseUrl: gateway.url, ...noPause })
    await expect(client.callTool('fs', 'x')).rejects.toMatchObject({ executed: 'no' })
    expect(gateway.seen).toHaveLength(1)
  })

  it('repeats a tool call that did not run when it was told to', async () => {
    await using gateway = await startFakeGateway()
    overloadedOnce(gateway, { content: [] }, { executed: 'no' })
    await using client = new GatewayClient({ baseUrl: gateway.url, retryCalls: true, ...noPause })
    expect(await client.callTool('fs', 'x')).toEqual({ content: [] })
  })

  it.each([{ executed: 'unknown' as const }, {}])('never repeats a tool call that may have run (%j)', async (facts) => {
    await using gateway = await startFakeGateway()
    overloadedOnce(gateway, { content: [] }, facts)
    await using client = new GatewayClient({ baseUrl: gateway.url, retryCalls: true, ...noPause })
    await expect(client.callTool('fs', 'x')).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(gateway.seen).toHaveLength(1)
  })

  it('sends a change once', async () => {
    await using gateway = await startFakeGateway()
    overloadedOnce(gateway, {})
    await using client = new GatewayClient({ baseUrl: gateway.url, ...noPause })
    await expect(client.deregister('fs', 'a')).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(gateway.seen).toHaveLength(1)
  })
})
