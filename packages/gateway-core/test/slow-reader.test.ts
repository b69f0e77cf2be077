import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from '@jest/globals'
import { echoTool, type FaultServer, type FaultTool, startFaultServer, waitFor } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { modern } from './support/mcp.js'

let harness: Harness | undefined
let server: FaultServer | undefined
let socket: Socket | undefined

afterEach(async () => {
  socket?.destroy()
  await harness?.stop()
  await server?.stop()
})

/** Says more than all buffers on the way can hold, until nobody listens. */
function floodTool(stopped: () => void): FaultTool {
  const message = 'x'.repeat(65_536)
  return {
    definition: { ...echoTool.definition, name: 'flood' },
    async run(_args, { meta, notify, signal }) {
      for (let progress = 1; !signal.aborted; progress++) {
        notify('notifications/progress', { progressToken: meta['progressToken'], progress, message })
        await delay(1)
      }
      stopped()
      return { result: { content: [] } }
    },
  }
}

/** Calls the tool as a 2026 client does, and never reads a byte of the answer. */
function callWithoutReading(base: string, tool: string): Socket {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 1,
  }
  const params = { name: tool, arguments: {}, _meta: meta }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const head = [
    'POST /mcp/t HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    'accept: application/json, text/event-stream',
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    `mcp-name: ${tool}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const made = connect(Number(new URL(base).port), '127.0.0.1')
  made.pause()
  made.on('error', () => made.destroy())
  made.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  return made
}

describe('a reader that takes nothing', () => {
  it('is cut after the time it may stall, its call is cancelled at the server, and others go on', async () => {
    let stopped = false
    const tools = [echoTool, floodTool(() => (stopped = true))]
    server = await startFaultServer(undefined, { era: 'modern', tools })
    harness = await startGateway(
      { t: [{ id: 'one', endpoint: server.url }] },
      { maxStallMs: 300, settings: { max_answer_bytes: 1_000_000_000 } },
    )
    const { base, gateway, events } = harness
    socket = callWithoutReading(base, 'flood')
    await waitFor(() => gateway.inFlight === 1, { what: 'the call did not begin' })
    while (!stopped) {
      const { status } = await modern(`${base}/mcp/t`, 'tools/call', { name: 'echo', arguments: {} })
      expect(status).toBe(200)
    }
    await waitFor(() => gateway.inFlight === 0, { what: 'the call did not end' })
    const ended = events.find((event) => event.type === 'call' && event.name === 'flood')
    expect(ended).toMatchObject({ outcome: 'GATEWAY_CALLER_GONE' })
  })
})

describe('a reader that is slow but reads', () => {
  it('is served for longer than it may stall', async () => {
    let stopped = false
    const flood = floodTool(() => (stopped = true))
    server = await startFaultServer(undefined, { era: 'modern', tools: [flood] })
    harness = await startGateway(
      { t: [{ id: 'one', endpoint: server.url }] },
      { maxStallMs: 1_000, settings: { max_answer_bytes: 1_000_000_000 } },
    )
    socket = callWithoutReading(harness.base, 'flood')
    let bytes = 0
    for (let pause = 0; pause < 15; pause++) {
      await delay(100)
      bytes += await takeSome(socket)
    }
    expect(stopped).toBe(false)
    expect(bytes).toBeGreaterThan(1_000_000)
  })
})

function takeSome(from: Socket): Promise<number> {
  return new Promise((resolve) => {
    let taken = 0
    const take = (chunk: Buffer): void => {
      taken += chunk.length
      if (taken < 2_000_000) return
      from.off('data', take)
      from.pause()
      resolve(taken)
    }
    from.on('data', take)
    from.resume()
  })
}
