import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { waitFor } from '@mcp-platform/test-kit'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { type Harness, startGateway } from './support/harness.js'
import { type McpAnswer, modern } from './support/mcp.js'

const child = join(import.meta.dirname, 'support/asking-child.ts')
const ANSWERS = {
  elicitation: { action: 'accept', content: {} },
  sampling: { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } },
  roots: { roots: [{ uri: 'file:///ours' }] },
} as const
const QUESTIONS = ['elicitation', 'sampling', 'roots'] as const
const MOMENTS = ['open', 'call'] as const
const TRANSPORTS = ['http', 'stdio'] as const
const CELLS = QUESTIONS.flatMap((question) =>
  MOMENTS.flatMap((moment) => TRANSPORTS.map((transport) => [question, moment, transport] as const)),
)

let folder: string
let harness: Harness
const servers: ChildProcess[] = []

type Cell = (typeof CELLS)[number]
const nameOf = (cell: Cell) => cell.join('-')
const fileOf = (cell: Cell) => join(folder, nameOf(cell))
const lines = async (cell: Cell) => (await readFile(fileOf(cell), 'utf8').catch(() => '')).trimEnd().split('\n')
const answersOf = async (cell: Cell) => (await lines(cell)).filter((line) => line.startsWith('answered ')).length
const runsOf = async (cell: Cell, key: string) => (await lines(cell)).filter((line) => line === `run ${key}`).length

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpp-asked-once-'))
  const templates = await Promise.all(
    CELLS.map(async (cell) => {
      const args = [child, fileOf(cell), ...cell]
      const attach = cell[2] === 'http' ? { endpoint: await serve(args) } : { command: process.execPath, args }
      return [nameOf(cell), [{ id: 'one', ...attach }]] as const
    }),
  )
  harness = await startGateway(Object.fromEntries(templates))
})

afterAll(async () => {
  await harness.stop()
  for (const server of servers) server.kill()
  await rm(folder, { recursive: true, force: true })
})

async function serve(args: readonly string[]): Promise<string> {
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  servers.push(server)
  const [line] = await once(createInterface({ input: server.stdout }), 'line')
  return `http://127.0.0.1:${JSON.parse(String(line)).port}/mcp`
}

interface Sent {
  readonly token: string
  readonly id: number
  readonly signal?: AbortSignal
  readonly more?: Record<string, unknown>
}

function send(cell: Cell, key: string, { token, id, signal, more }: Sent): Promise<McpAnswer> {
  const params = { name: 'work', arguments: { key }, ...more }
  return modern(`${harness.base}/mcp/${nameOf(cell)}`, 'tools/call', params, {
    id,
    // Those of no other call, so that its session opens with it.
    capabilities: { [cell[0]]: {}, experimental: { [key]: {} } },
    meta: { progressToken: token },
    ...(signal ? { signal } : {}),
  })
}

const first = (cell: Cell, key: string) => send(cell, key, { token: 'before', id: 1 })
const retry = (cell: Cell, key: string, asked: McpAnswer, signal?: AbortSignal) => {
  const { inputRequests, requestState } = Object(asked.response?.['result'])
  expect(Object.keys(Object(inputRequests))).toHaveLength(1)
  const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((name) => [name, ANSWERS[cell[0]]]))
  const more = { inputResponses, requestState }
  return send(cell, key, { token: 'after', id: 2, more, ...(signal ? { signal } : {}) })
}
const progressOf = ({ messages }: McpAnswer) =>
  messages.filter(({ method }) => method === 'notifications/progress').map(({ params }) => Object(params))

describe.each(CELLS)('a server that asks for %s (%s, over %s)', (...cell) => {
  it('runs its tool once, and reports all progress in order, each under the token of the request that hears it', async () => {
    const asked = await first(cell, 'late')
    // Longer than the tool works: what it says meanwhile is kept.
    await delay(200)
    const done = await retry(cell, 'late', asked)
    expect(done.response).toMatchObject({ id: 2, result: { content: [{ type: 'text' }] } })
    const before = progressOf(asked)
    const after = progressOf(done)
    expect([...before, ...after].map(({ progress }) => progress)).toEqual([1, 2, 3])
    expect(before.every(({ progressToken }) => progressToken === 'before')).toBe(true)
    expect(after.every(({ progressToken }) => progressToken === 'after')).toBe(true)
    expect(await runsOf(cell, 'late')).toBe(1)
    await waitFor(async () => (await lines(cell)).includes(`answered ${JSON.stringify(ANSWERS[cell[0]])}`), {
      what: 'the server did not get the answer',
    })
  })

  it('runs its tool once for a retry that is sent twice at the same time', async () => {
    const asked = await first(cell, 'twice')
    const answers = await Promise.all([retry(cell, 'twice', asked), retry(cell, 'twice', asked)])
    const [done, refused] = answers.toSorted((one, other) => one.status - other.status)
    expect(done?.response).toMatchObject({ result: { content: [{ type: 'text' }] } })
    expect(refused).toMatchObject({
      status: 404,
      response: { error: { code: -32602, message: expect.stringContaining('was used already') } },
    })
    expect(await runsOf(cell, 'twice')).toBe(1)
  })

  it('runs its tool once for a client that is gone after the question, or in its retry', async () => {
    await first(cell, 'gone')
    const asked = await first(cell, 'gone in the retry')
    const answered = await answersOf(cell)
    const leave = new AbortController()
    const leaving = retry(cell, 'gone in the retry', asked, leave.signal).catch(() => undefined)
    await waitFor(async () => (await answersOf(cell)) > answered, { what: 'the retry did not reach the server' })
    leave.abort()
    await leaving
    expect((await retry(cell, 'gone in the retry', asked)).status).toBe(404)
    expect([await runsOf(cell, 'gone'), await runsOf(cell, 'gone in the retry')]).toEqual([1, 1])
  })
})

describe.each(CELLS.filter(([question, moment]) => question === 'roots' && moment === 'open'))(
  'a server that asks for %s of itself (%s, over %s)',
  (...cell) => {
    it('does not come between the tool and the progress that a 2026 SDK hears', async () => {
      const client = new Client(
        { name: 'sdk', version: '1' },
        { capabilities: { roots: {}, experimental: { sdk: {} } }, versionNegotiation: { mode: { pin: '2026-07-28' } } },
      )
      client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///ours' }] }))
      await client.connect(new StreamableHTTPClientTransport(new URL(`${harness.base}/mcp/${nameOf(cell)}`)))
      const heard: unknown[] = []
      const params = { name: 'work', arguments: { key: 'sdk' } }
      await client.callTool(params, {
        onprogress: ({ progress, message }) => void heard.push(message === undefined ? progress : message),
      })
      // The SDK itself says what it does meanwhile, in the same place.
      expect(heard.filter((one) => typeof one === 'string')).toEqual([
        "Fulfilling input required by 'tools/call' (round 1)",
      ])
      // It drops progress that it reads together with the result.
      const steps = heard.filter((one) => typeof one === 'number')
      expect(steps).toEqual([1, 2, 3].slice(0, steps.length))
      expect(await runsOf(cell, 'sdk')).toBe(1)
      await client.close()
    })
  },
)
