import { afterEach, describe, expect, it } from '@jest/globals'
import { echoTool, type FaultServer, type FaultTool, type Outcome, startFaultServer } from '@mcp-platform/test-kit'
import { TaskHomes } from '../src/task-homes.js'
import { type Harness, startGateway } from './support/harness.js'
import { modern } from './support/mcp.js'

let harness: Harness | undefined
const servers: FaultServer[] = []

afterEach(async () => {
  await harness?.stop()
  harness = undefined
  for (const server of servers.splice(0)) await server.stop()
})

/** A server that knows the tasks it created and no others, as one without a shared store does. */
async function startTaskServer(name: string, answers: 'json' | 'sse'): Promise<FaultServer> {
  const tasks = new Map<string, string>()
  const create = (canary: unknown): Outcome => {
    const taskId = `${name}-${tasks.size}`
    tasks.set(taskId, String(canary))
    return { rawResult: JSON.stringify({ resultType: 'task', taskId, status: 'working', ttlMs: 60_000 }) }
  }
  const tool: FaultTool = {
    definition: { ...echoTool.definition, name: 'long' },
    run: (args) => create(args['canary']),
  }
  const about = (params: Readonly<Record<string, unknown>>): Outcome => {
    const taskId = String(params['taskId'])
    if (!tasks.has(taskId)) return { error: { code: -32602, message: `unknown task ${taskId}` } }
    return { rawResult: JSON.stringify({ resultType: 'complete', taskId, canary: tasks.get(taskId) }) }
  }
  const methods = { 'tasks/get': about, 'tasks/update': about, 'tasks/cancel': about }
  return startFaultServer(undefined, { era: 'modern', tools: [tool], methods, answers })
}

async function start(answers: 'json' | 'sse' = 'json'): Promise<void> {
  servers.push(await startTaskServer('a', answers), await startTaskServer('b', answers))
  const instances = servers.map((server, index) => ({ id: `i${index}`, endpoint: server.url }))
  harness = await startGateway({ t: instances }, { settings: { load_balancer: { strategy: 'round_robin' } } })
}

const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
const url = () => `${harness?.base}/mcp/t`

async function createTask(canary: string): Promise<string> {
  const { response } = await modern(url(), 'tools/call', { name: 'long', arguments: { canary } }, { capabilities })
  return Object(response?.['result']).taskId
}

const ask = (method: string, taskId: string, headers: Record<string, string> = {}) =>
  modern(url(), method, { taskId }, { capabilities, headers: { 'mcp-name': taskId, ...headers } })

describe.each(['json', 'sse'] as const)('a task (%s)', (answers) => {
  it('is asked for, updated and cancelled on the instance that created it', async () => {
    await start(answers)
    const ids: string[] = []
    for (let at = 0; at < 6; at++) ids.push(await createTask(`c${at}`))
    expect(new Set(ids.map((id) => id.slice(0, 1)))).toEqual(new Set(['a', 'b']))
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      for (const [at, id] of ids.entries()) {
        expect((await ask(method, id)).response).toMatchObject({ result: { taskId: id, canary: `c${at}` } })
      }
    }
  })
})

describe('a task', () => {
  it('that nobody knows goes to any instance, which says so', async () => {
    await start()
    for (let at = 0; at < 4; at++) {
      expect((await ask('tasks/get', 'zzz')).response).toMatchObject({ error: { message: 'unknown task zzz' } })
    }
    expect(servers.map((server) => server.requestsFor('tasks/get').length)).toEqual([2, 2])
  })

  it('is not asked of another instance when its own is gone for a moment', async () => {
    await start()
    const id = await createTask('c')
    const [own, other] = id.startsWith('a') ? servers : servers.toReversed()
    await own?.setConnections('refuse')
    own?.cut()
    expect((await ask('tasks/get', id)).status).toBeGreaterThanOrEqual(400)
    expect(other?.requestsFor('tasks/get')).toHaveLength(0)
    await own?.setConnections('accept')
  })

  it('of an instance that was removed is asked of those that are left', async () => {
    await start()
    const id = await createTask('c')
    const own = id.startsWith('a') ? 'i0' : 'i1'
    await harness?.registry.deregister('t', own, { actor: 'test' })
    expect((await ask('tasks/get', id)).response).toMatchObject({ error: { message: `unknown task ${id}` } })
  })
})

describe('the homes of tasks', () => {
  it('are known to their own principal only', () => {
    const homes = new TaskHomes(() => 0)
    homes.learn('ada', 't1', 'i1')
    expect([homes.find('ada', 't1'), homes.find('eve', 't1'), homes.find('ada', 't2')]).toEqual([
      'i1',
      undefined,
      undefined,
    ])
  })

  it('are forgotten an hour after they were last used', () => {
    let clock = 0
    const homes = new TaskHomes(() => clock)
    homes.learn('ada', 't1', 'i1')
    clock = 3_000_000
    expect(homes.find('ada', 't1')).toBe('i1')
    clock = 6_000_000
    expect(homes.find('ada', 't1')).toBe('i1')
    clock = 9_600_001
    expect(homes.find('ada', 't1')).toBeUndefined()
  })

  it('make room for new ones of the same principal, the longest unused first, and never another’s', () => {
    const homes = new TaskHomes(() => 0)
    homes.learn('eve', 't', 'i1')
    homes.learn('ada', 'used', 'i1')
    homes.learn('ada', 'unused', 'i1')
    homes.find('ada', 'used')
    for (let at = 0; at < 999; at++) homes.learn('ada', `t${at}`, 'i2')
    expect([homes.find('ada', 'used'), homes.find('ada', 'unused'), homes.find('eve', 't')]).toEqual([
      'i1',
      undefined,
      'i1',
    ])
  })

  it('are not learned for ids of any length', () => {
    const homes = new TaskHomes(() => 0)
    homes.learn('ada', 'x'.repeat(257), 'i1')
    expect(homes.find('ada', 'x'.repeat(257))).toBeUndefined()
  })
})
