import { describe, expect, it } from '@jest/globals'
import { BadAnswerError, GatewayClient, type Progress } from '../src/index.js'
import { sendJson, sendProblem, startEvents, startFakeGateway } from './fake-gateway.js'

const progress = (value: number) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 1, progress: value, total: 3 },
})

describe('a tool call with progress', () => {
  it('reports progress as it comes, then gives the result', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      const send = startEvents(response)
      send('message', progress(1))
      send(undefined, progress(2))
      send('message', { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hi' } })
      send('result', { content: [{ type: 'text', text: 'done' }] })
      response.end()
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const seen: Progress[] = []
    const methods: string[] = []
    const result = await client.callTool(
      'fs',
      'slow',
      {},
      {
        onProgress: (step) => seen.push(step),
        onNotification: ({ method }) => methods.push(method),
      },
    )
    expect(result.content).toEqual([{ type: 'text', text: 'done' }])
    expect(seen.map((step) => step.progress)).toEqual([1, 2])
    expect(methods).toEqual(['notifications/progress', 'notifications/progress', 'notifications/message'])
    expect(gateway.seen[0]?.headers.accept).toContain('text/event-stream')
  })

  it('takes a plain answer too', async () => {
    await using gateway = await startFakeGateway((_, response) => sendJson(response, { content: [] }))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    expect(await client.callTool('fs', 'x', {}, { onProgress: () => undefined })).toEqual({ content: [] })
  })

  it('rejects with the problem that ends the stream', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      const send = startEvents(response)
      send('message', progress(1))
      const error = { code: 'OUTCOME_UNKNOWN', status: 502, detail: 'gone', executed: 'unknown', request_id: 'r' }
      send('error', error)
      response.end()
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const call = client.callTool('fs', 'x', {}, { onProgress: () => undefined })
    await expect(call).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', executed: 'unknown' })
  })

  it('does not take a truncated stream for a result', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      startEvents(response)('message', progress(1))
      response.end()
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const call = client.callTool('fs', 'x', {}, { onProgress: () => undefined })
    await expect(call).rejects.toThrow('ended without a result')
  })

  it('does not take an event that is not JSON', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: result\ndata: {oops\n\n')
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const call = client.callTool('fs', 'x', {}, { onProgress: () => undefined })
    await expect(call).rejects.toBeInstanceOf(BadAnswerError)
  })
})

describe('events of the gateway', () => {
  const hello = { type: 'hello', at: '2026-01-01T00:00:00.000Z', version: '0.1.0' }

  it('come one by one until the gateway ends the stream', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      const send = startEvents(response)
      response.write(': keep-alive\n\n')
      send('hello', hello)
      send('registry_changed', { type: 'registry_changed', version: 2 })
      response.end()
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const types: string[] = []
    for await (const event of client.events()) types.push(event.type)
    expect(types).toEqual(['hello', 'registry_changed'])
  })

  it('end the request when the loop is left', async () => {
    let closed: () => void = () => undefined
    const ended = new Promise<void>((resolve) => {
      closed = resolve
    })
    await using gateway = await startFakeGateway((_, response) => {
      response.once('close', closed)
      startEvents(response)('hello', hello)
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    for await (const event of client.events()) {
      expect(event).toEqual(hello)
      break
    }
    await ended
  })

  it('reject when the caller may not read them', async () => {
    await using gateway = await startFakeGateway((_, response) =>
      sendProblem(response, { status: 401, code: 'CREDENTIAL_REQUIRED' }),
    )
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.events().next()).rejects.toMatchObject({ code: 'CREDENTIAL_REQUIRED' })
  })
})
