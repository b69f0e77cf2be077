/*
 * Runs the example and checks itself: one client over stdio and two at once over Streamable HTTP use every tool, the resources and
 * the prompt, as a stranger would after reading the README. Exits with 1 at the first thing that is not as promised.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { serveHttp } from './http.js'
import { Notebook } from './notebook.js'

const main = join(import.meta.dirname, 'main.js')

async function overStdio(): Promise<void> {
  const client = new Client({ name: 'check', version: '1.0.0' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [main, '--stdio'] }))
  await useEverything(client)
  await client.close()
}

async function overHttp(): Promise<void> {
  const serving = await serveHttp({ port: 0, notebook: new Notebook() })
  const [first, second] = await Promise.all([connected(serving.url), connected(serving.url)])
  assert.equal(serving.sessionCount, 2)
  await useEverything(first)
  const seen = await second.callTool({ name: 'search_notes', arguments: { words: 'MILK' } })
  assert.deepEqual(seen.structuredContent, { notes: [{ id: 1, title: 'shopping', text: 'milk and bread' }], count: 1 })
  await Promise.all([first.close(), second.close()])
  await serving.close()
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ name: 'check', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(url))
  // The SDK types its own class against exactOptionalPropertyTypes in a way that only a wider view of it satisfies.
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

async function useEverything(client: Client): Promise<void> {
  await useTools(client)
  const { contents } = await client.readResource({ uri: 'notes://1' })
  assert.deepEqual(contents, [{ uri: 'notes://1', mimeType: 'text/plain', text: 'milk and bread' }])
  await assert.rejects(client.readResource({ uri: 'notes://99' }), { code: -32002 })
  const { messages } = await client.getPrompt({ name: 'summarize_notes', arguments: { tone: 'formal' } })
  assert.match(JSON.stringify(messages), /in a formal tone.*milk and bread/)
}

async function useTools(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  const names = tools.map(({ name }) => name)
  assert.deepEqual(names, ['add_note', 'list_notes', 'search_notes', 'word_count', 'slow_count'])
  await client.callTool({ name: 'add_note', arguments: { title: 'shopping', text: 'milk and bread' } })
  const listed = await client.callTool({ name: 'list_notes' })
  assert.deepEqual(listed.structuredContent, {
    notes: [{ id: 1, title: 'shopping', text: 'milk and bread' }],
    count: 1,
  })
  const counted = await client.callTool({ name: 'word_count', arguments: { text: 'hello world' } })
  assert.deepEqual(counted.structuredContent, { words: 2, characters: 11, lines: 1 })
  const steps: number[] = []
  const slow = { name: 'slow_count', arguments: { to: 3, step_ms: 20 } }
  await client.callTool(slow, undefined, { onprogress: ({ progress }) => steps.push(progress) })
  // The SDK's client forgets who listens as it reads the result, and with it progress that came in the same read.
  assert.ok(steps.length > 0)
  assert.deepEqual(steps, [1, 2, 3].slice(0, steps.length))
}

await overStdio()
await overHttp()
console.log('notes-server: 2 transports, 5 tools, resources and a prompt work as promised')
