import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { freePort } from '@mcp-platform/test-kit'
import {
  BadAnswerError,
  ClientClosedError,
  GatewayClient,
  GatewayError,
  GatewayTimeoutError,
  GatewayUnreachableError,
  InvalidRequestError,
  NotAllowedError,
  NotAuthenticatedError,
  NotFoundError,
} from '../src/index.js'
import { sendJson, sendProblem, startFakeGateway } from './fake-gateway.js'

describe('errors of the gateway', () => {
  it.each([
    [401, 'CREDENTIAL_REQUIRED', NotAuthenticatedError],
    [403, 'FORBIDDEN', NotAllowedError],
    [404, 'TOOL_NOT_FOUND', NotFoundError],
    [422, 'VALIDATION_FAILED', InvalidRequestError],
    [502, 'OUTCOME_UNKNOWN', GatewayError],
  ])('a %i is told by class and code', async (status, code, expected) => {
    await using gateway = await startFakeGateway((_, response) => sendProblem(response, { status, code }))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const error = await client.callTool('fs', 'x').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(expected)
    expect(error).toMatchObject({ code, status, message: 'the reason', requestId: 'r-1' })
  })

  it('carries whether the tool may have run, and every fault', async () => {
    const errors = [{ path: 'instance.weight', message: 'expected a number' }]
    await using gateway = await startFakeGateway((_, response) =>
      sendProblem(response, { status: 422, code: 'VALIDATION_FAILED', executed: 'no', errors, retry_after_seconds: 2 }),
    )
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x')).rejects.toMatchObject({ executed: 'no', errors, retryAfterMs: 2_000 })
  })
})

describe('a gateway that is not there', () => {
  it('is unreachable, and nothing was sent', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await using client = new GatewayClient({ baseUrl: url, maxRetries: 0 })
    const error = await client.callTool('fs', 'x').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(GatewayUnreachableError)
    expect(error).toMatchObject({ code: 'CLIENT_GATEWAY_UNREACHABLE', reason: 'ECONNREFUSED', executed: 'no', url })
  })

  it('may have run the tool when it hangs up without an answer', async () => {
    await using gateway = await startFakeGateway((_, response) => response.destroy())
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x')).rejects.toMatchObject({ executed: 'unknown' })
    expect(gateway.seen).toHaveLength(1)
  })

  it('breaks off in the middle of the body', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"content":', () => response.destroy())
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x')).rejects.toBeInstanceOf(GatewayUnreachableError)
  })
})

describe('a gateway that does not answer', () => {
  it('is given up after timeoutMs', async () => {
    await using gateway = await startFakeGateway(() => undefined)
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const error = await client.callTool('fs', 'x', {}, { timeoutMs: 50 }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(GatewayTimeoutError)
    expect(error).toMatchObject({ timeoutMs: 50, executed: 'unknown' })
  })

  it('is given up when only its head has come', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{')
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x', {}, { timeoutMs: 50 })).rejects.toBeInstanceOf(GatewayTimeoutError)
  })

  it("rejects with the reason of the caller's signal", async () => {
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    await using gateway = await startFakeGateway(() => controller.abort(reason))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x', {}, { signal: controller.signal })).rejects.toBe(reason)
  })

  it('rejects with ClientClosedError when the client is closed meanwhile', async () => {
    await using gateway = await startFakeGateway(() => void client.close())
    const client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.callTool('fs', 'x')).rejects.toBeInstanceOf(ClientClosedError)
    await expect(client.stats()).rejects.toBeInstanceOf(ClientClosedError)
  })
})

describe('something else that answers', () => {
  it('is no gateway when it speaks HTML', async () => {
    await using gateway = await startFakeGateway((_, response) => {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>')
    })
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.listTools('fs')).rejects.toThrow(BadAnswerError)
    await expect(client.listTools('fs')).rejects.toThrow('HTTP 502')
  })

  it('is no gateway when a success is not JSON, or a redirect', async () => {
    await using gateway = await startFakeGateway((_, response) => response.writeHead(200).end('hello'))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await expect(client.listTools('fs')).rejects.toThrow('not JSON')
    gateway.answerWith((_, response) => response.writeHead(302, { location: 'http://elsewhere/' }).end())
    await expect(client.listTools('fs')).rejects.toThrow('redirect')
  })

  it('is unreachable when it does not speak HTTP', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.end('SSH-2.0-x\r\n'))
    })
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    const client = new GatewayClient({ baseUrl: `http://127.0.0.1:${port}`, maxRetries: 0 })
    await expect(client.listTools('fs')).rejects.toBeInstanceOf(GatewayUnreachableError)
    await client.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('is cut off when its answer is larger than allowed', async () => {
    await using gateway = await startFakeGateway((_, response) => sendJson(response, 'x'.repeat(4_096)))
    await using client = new GatewayClient({ baseUrl: gateway.url, maxAnswerBytes: 1_024 })
    await expect(client.listTools('fs')).rejects.toThrow('larger than 1024 bytes')
  })
})
