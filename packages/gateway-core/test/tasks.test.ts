import { afterEach, describe, expect, it } from '@jest/globals'
import { echoTool, type FaultServer, type FaultTool, type Outcome, startFaultServer } from '@mcp-platform/test-kit'
import { subscribe } from './support/event-reader.js'
import { type Harness, startGateway } from './support/harness.js'
import { startListenServer } from './support/listen-server.js'
import { modern } from './support/mcp.js'

let harness: Harness | undefined
const servers: FaultServer[] = []

afterEach(async () => {
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.stop()
})

interface TaskServer {
  readonly server: FaultServer
  /** What the server itself calls its tasks. */
  readonly tasks: ReadonlyMap<string, string>
}

/** A server that knows the tasks it created and no others, as one without a shared store does. */
async function startTaskServer(name: string, answers: 'json' | 'sse'): Promise<TaskServer> {
  const tasks = new Map<string, string>()
  const create = (canary: unknown): Outcome => {
    const taskId = `${name}-${tasks.size}`
    tasks.set(taskId, String(canary))
    return {
      rawResult: `{"resultType":"task","n":1.0,"taskId":${JSON.stringify(taskId)},"status":"working","ttlMs":60000}`,
    }
  }
  const tool: FaultTool = {
    definition: { ...echoTool.definition, name: 'long' },
    run: (args, { meta, notify }) => {
      const { progressToken } = meta
      if (progressToken !== undefined) notify('notifications/progress', { progressToken, progress: 1 })
      return create(args['canary'])
    },
  }
  const about = (params: Readonly<Record<string, unknown>>): Outcome => {
    const taskId = String(params['taskId'])
    if (!tasks.has(taskId)) return { error: { code: -32602, message: `unknown task ${taskId}` } }
    return { rawResult: JSON.stringify({ resultType: 'complete', taskId, canary: tasks.get(taskId), by: name }) }
  }
  const methods = { 'tasks/get': about, 'tasks/update': about, 'tasks/cancel': about }
  const server = await startFaultServer(undefined, {
    era: 'modern',
    tools: [tool],
    methods,
    answers,
    capabilities: { tools: {}, extensions: { [TASKS]: {} } },
  })
  return { server, tasks }
}

const TASKS = 'io.modelcontextprotocol/tasks'
const KEY = { kid: 'test', key: Buffer.alloc(32, 7) }

async function openGateway(): Promise<Harness> {
  const instances = servers.map((server, index) => ({ id: `i${index}`, endpoint: server.url }))
  const settings = { load_balancer: { strategy: 'round_robin' } }
  return startGateway({ t: instances }, { settings, sealingKeys: [KEY] })
}

async function start(answers: 'json' | 'sse' = 'json'): Promise<void> {
  for (const name of ['a', 'b']) servers.push((await startTaskServer(name, answers)).server)
  harness = await openGateway()
}

const capabilities = { extensions: { [TASKS]: {} } }
const url = (path: string) => `${harness?.base}${path}`

async function createTask(canary: string, path = '/mcp/t'): Promise<string> {
  const name = path === '/mcp' ? 't__long' : 'long'
  const answer = await modern(url(path), 'tools/call', { name, arguments: { canary } }, { capabilities })
  expect(answer.text).toContain('"resultType":"task","n":1.0,"taskId":"v1.')
  return Object(answer.response?.['result']).taskId
}

const ask = (method: string, taskId: string, headers: Record<string, string> = {}, path = '/mcp/t') =>
  modern(url(path), method, { taskId }, { capabilities, headers: { 'mcp-name': taskId, ...headers } })

/** The instance that holds the task, as it says itself. */
async function holderOf(taskId: string): Promise<string> {
  return Object((await ask('tasks/get', taskId)).response?.['result']).by
}

describe.each([
  ['json', '/mcp/t'],
  ['sse', '/mcp/t'],
  ['json', '/mcp'],
  ['sse', '/mcp'],
] as const)('a task (%s, %s)', (answers, path) => {
  it('is asked for, updated and cancelled on the instance that created it', async () => {
    await start(answers)
    const ids: string[] = []
    for (let at = 0; at < 6; at++) ids.push(await createTask(`c${at}`, path))
    expect(new Set(await Promise.all(ids.map(holderOf)))).toEqual(new Set(['a', 'b']))
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      for (const [at, id] of ids.entries()) {
        expect((await ask(method, id, {}, path)).response).toMatchObject({ result: { taskId: id, canary: `c${at}` } })
      }
    }
  })

  it('is found by another process, and after a restart', async () => {
    await start(answers)
    const ids = [await createTask('c0', path), await createTask('c1', path)]
    await harness?.stop()
    harness = await openGateway()
    for (const [at, id] of ids.entries()) {
      expect((await ask('tasks/get', id, {}, path)).response).toMatchObject({
        result: { taskId: id, canary: `c${at}` },
      })
    }
  })

  it('is not there for anybody else', async () => {
    await start(answers)
    const id = await createTask('c', path)
    const stolen = await ask('tasks/get', id, { 'x-test-principal': 'other' }, path)
    expect(stolen.response).toMatchObject({ error: { code: -32602, message: 'there is no such task' } })
    expect(servers.flatMap((server) => server.requestsFor('tasks/get'))).toHaveLength(0)
  })
})

describe('a task', () => {
  it('whose id was not sealed here goes to any instance, which says so', async () => {
    await start()
    for (let at = 0; at < 4; at++) {
      expect((await ask('tasks/get', 'zzz')).response).toMatchObject({ error: { message: 'unknown task zzz' } })
    }
    expect(servers.map((server) => server.requestsFor('tasks/get').length)).toEqual([2, 2])
    expect((await ask('tasks/get', 'zzz', {}, '/mcp')).response).toMatchObject({ error: { code: -32602 } })
  })

  it('is not asked of another instance when its own is gone for a moment', async () => {
    await start()
    const id = await createTask('c')
    const [own, other] = (await holderOf(id)) === 'a' ? servers : servers.toReversed()
    await own?.setConnections('refuse')
    own?.cut()
    expect((await ask('tasks/get', id)).status).toBeGreaterThanOrEqual(400)
    expect(other?.requestsFor('tasks/get')).toHaveLength(0)
    await own?.setConnections('accept')
  })

  it('of an instance that was removed is asked of those that are left', async () => {
    await start()
    const id = await createTask('c')
    const own = (await holderOf(id)) === 'a' ? 'i0' : 'i1'
    await harness?.registry.deregister('t', own, { actor: 'test' })
    expect((await ask('tasks/get', id)).response).toMatchObject({ error: { message: /^unknown task [ab]-0$/ } })
  })
})

describe('a server whose task ids are as long as they may be, or longer', () => {
  it.each(['json', 'sse'] as const)('has 1,024 characters routed and one more refused, by %s', async (answers) => {
    servers.push((await startTaskServer('a'.repeat(1_022), answers)).server)
    harness = await openGateway()
    expect(await holderOf(await createTask('c'))).toBe('a'.repeat(1_022))
    await servers.pop()?.stop()
    await harness.stop()

    servers.push((await startTaskServer('a'.repeat(1_023), answers)).server)
    harness = await openGateway()
    const answer = await modern(url('/mcp/t'), 'tools/call', { name: 'long', arguments: {} }, { capabilities })
    expect(answer.response).toMatchObject({
      id: 1,
      error: {
        code: -31_005,
        message: expect.stringContaining('whose id has 1025 characters; only ids of 1024 at most can be routed'),
        data: { code: 'UPSTREAM_BAD_ANSWER', retryable: false },
      },
    })
    expect(servers[0]?.requestsFor('tools/call')).toHaveLength(1)
  })

  it('has it refused on a stream that is open already', async () => {
    servers.push((await startTaskServer('a'.repeat(1_023), 'sse')).server)
    harness = await openGateway()
    const meta = { progressToken: 'p' }
    const answer = await modern(url('/mcp/t'), 'tools/call', { name: 'long', arguments: {} }, { capabilities, meta })
    expect(answer.messages.map(({ method, error }) => method ?? Object(error).code)).toEqual([
      'notifications/progress',
      -31_005,
    ])
  })
})

describe('a subscription to tasks', () => {
  it('hears of each from the instance that holds it, under the id that its client has', async () => {
    const listening = [await startListenServer({ taskName: 'own-0' }), await startListenServer({ taskName: 'own-0' })]
    const instances = listening.map((server, index) => ({ id: `i${index}`, endpoint: server.url }))
    harness = await startGateway({ t: instances }, { settings: { load_balancer: { strategy: 'round_robin' } } })
    const gone = new AbortController()
    try {
      const ids = await Promise.all(
        [0, 1].map(async () => {
          const { response } = await modern(
            url('/mcp/t'),
            'tools/call',
            { name: 'task', arguments: {} },
            { capabilities },
          )
          return Object(response?.['result']).taskId
        }),
      )
      for (const path of ['/mcp/t', '/mcp']) {
        const reader = await subscribe(url(path), { taskIds: ids }, gone.signal)
        await reader.until('notifications/subscriptions/acknowledged')
        for (const [at, server] of listening.entries()) {
          server.announce('notifications/tasks', { taskId: 'own-0', status: 'working' })
          await reader.until('notifications/tasks', at + 1)
        }
        const heard = reader.of('notifications/tasks').map(({ params }) => Object(params).taskId)
        expect(heard.toSorted()).toEqual(ids.toSorted())
        const [acknowledged] = reader.of('notifications/subscriptions/acknowledged')
        expect(Object(acknowledged?.['params']).notifications.taskIds.toSorted()).toEqual(ids.toSorted())
      }
    } finally {
      gone.abort()
      for (const server of listening) await server.stop()
    }
  })
})
