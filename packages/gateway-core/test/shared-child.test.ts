import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession, type McpAnswer, modern } from './support/mcp.js'

const child = fileURLToPath(new URL('support/canary-child.ts', import.meta.url))
const PRINCIPALS = ['first', 'other'] as const
const CALLS_EACH = 500

let harness: Harness

beforeAll(async () => {
  const instance = (era: string) => [{ id: 'one', command: process.execPath, args: [child, era] }]
  harness = await startGateway(
    { legacy: instance('legacy'), modern: instance('modern') },
    { settings: { stdio: { sharing: 'shared' }, load_balancer: { max_in_flight: 1_000 } } },
  )
})

afterAll(() => harness.stop())

type Call = (params: Record<string, unknown>, id: number) => Promise<McpAnswer>

async function callerOf(era: string, url: string, principal: string): Promise<{ call: Call; end(): Promise<unknown> }> {
  const headers = { 'x-test-principal': principal }
  if (era === 'modern') {
    const call: Call = (params, id) => {
      const { _meta, ...rest } = params
      return modern(url, 'tools/call', rest, { id, headers, meta: Object(_meta) })
    }
    return { call, end: async () => undefined }
  }
  const session = await LegacySession.open(url, { headers })
  return { call: (params, id) => session.call('tools/call', params, id), end: () => session.end() }
}

describe.each(['legacy', 'modern'])('two principals whose clients are %s', (era) => {
  it.each(['legacy', 'modern'])(
    'never hear each other on one shared %s child: same ids and progress tokens, 1,000 calls at once',
    async (template) => {
      const url = `${harness.base}/mcp/${template}`
      const callers = await Promise.all(PRINCIPALS.map((principal) => callerOf(era, url, principal)))
      const ask = async (who: number, id: number): Promise<void> => {
        const canary = `${PRINCIPALS[who]} ${id} ${'x'.repeat(id)}`
        const params = { name: 'canary', arguments: { canary }, _meta: { progressToken: id } }
        const answer = await callers[who]?.call(params, id)
        expect(answer?.response).toMatchObject({ id, result: { content: [{ text: canary }] } })
        const progress = answer?.messages.slice(0, -1).map(({ params }) => params)
        expect(progress).toEqual([1, 2].map((progress) => ({ progressToken: id, progress, message: canary })))
      }
      const ids = Array.from({ length: CALLS_EACH }, (_, id) => id)
      await Promise.all(ids.flatMap((id) => PRINCIPALS.map((_, who) => ask(who, id))))
      await Promise.all(callers.map(({ end }) => end()))
      // One child serves them all; another may have told the era.
      expect(serving(template).size).toBe(1)
    },
  )
})

function serving(template: string): Set<number> {
  const pids = new Set<number>()
  for (const event of harness.events) {
    if (event.type !== 'upstream' || event.template !== template) continue
    if (event.event.type === 'child_started') pids.add(event.event.pid)
    if (event.event.type === 'child_exited') pids.delete(event.event.pid)
  }
  return pids
}
