import { afterEach, describe, expect, it } from '@jest/globals'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import {
  everythingStdio,
  filesystemStdio,
  memoryStdio,
  pidAlive,
  type Stoppable,
  startEverything,
  tempDir,
} from '../src/index.js'

const started: Stoppable[] = []

afterEach(async () => {
  for (const peer of started.splice(0)) await peer.stop()
})

describe('startEverything', () => {
  it('serves over Streamable HTTP, dies by kill9 and comes back on its port', async () => {
    const peer = await startEverything({ transport: 'streamableHttp' })
    started.push(peer)
    const first = peer.pid
    expect(await initialize(peer.url)).toBe(200)
    await peer.kill9()
    expect(pidAlive(first)).toBe(false)
    await expect(initialize(peer.url)).rejects.toThrow()
    await peer.restart()
    expect(await initialize(peer.url)).toBe(200)
  })

  it('leaves no process after stop', async () => {
    const peer = await startEverything({ transport: 'sse' })
    expect(peer.url).toMatch(/\/sse$/)
    expect(pidAlive(peer.pid)).toBe(true)
    await peer.stop()
    expect(pidAlive(peer.pid)).toBe(false)
  })
})

describe('stdio peers', () => {
  it('list their tools when started as commands', async () => {
    const dir = await tempDir()
    started.push(dir)
    const tools = []
    for (const peer of [everythingStdio(), filesystemStdio(dir.path), memoryStdio(`${dir.path}/graph.json`)]) {
      const client = new Client({ name: 'test', version: '1' })
      await client.connect(
        new StdioClientTransport({ ...peer, args: [...peer.args], env: { ...peer.env }, stderr: 'ignore' }),
      )
      tools.push((await client.listTools()).tools.map((tool) => tool.name))
      await client.close()
    }
    expect(tools).toEqual([
      expect.arrayContaining(['echo']),
      expect.arrayContaining(['read_text_file']),
      expect.arrayContaining(['read_graph']),
    ])
  })
})

async function initialize(url: string): Promise<number> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
  await response.text()
  return response.status
}
