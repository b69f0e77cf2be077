import { beforeEach, describe, expect, it } from '@jest/globals'
import { type FetchedList, ListCatalogue, type ListKey } from '../src/index.js'

let clock = 0
let fetches: { key: ListKey; signal: AbortSignal; answer: PromiseWithResolvers<FetchedList> }[] = []
let catalogue: ListCatalogue

beforeEach(() => {
  clock = 0
  fetches = []
  catalogue = new ListCatalogue({
    now: () => clock,
    fetch: (key, signal) => {
      const answer = Promise.withResolvers<FetchedList>()
      signal.addEventListener('abort', () => answer.reject(signal.reason), { once: true })
      fetches.push({ key, signal, answer })
      return answer.promise
    },
  })
})

const { signal } = new AbortController()
const tools = (context: string): ListKey => ({ template: 't', method: 'tools/list', context })
const list = (name: string, ttlMs = 0, scope: 'public' | 'private' = 'private'): FetchedList => ({
  items: [{ name }],
  pages: [{ cursor: undefined, result: Buffer.from(JSON.stringify({ tools: [{ name }] })) }],
  instanceId: 'one',
  ttlMs,
  scope,
})

describe('the list catalogue', () => {
  it('asks once for many who wait, and again when the time has run out', async () => {
    const both = [catalogue.get(tools('ada'), { signal }), catalogue.get(tools('ada'), { signal })]
    fetches[0]?.answer.resolve(list('one', 100))
    const [first, second] = await Promise.all(both)
    expect([first, fetches.length]).toEqual([second, 1])
    clock = 99
    await catalogue.get(tools('ada'), { signal })
    expect(fetches).toHaveLength(1)
    clock = 100
    const again = catalogue.get(tools('ada'), { signal })
    fetches[1]?.answer.resolve(list('two'))
    expect((await again).byName.has('two')).toBe(true)
  })

  it('shares a public list between principals and a private one with nobody', async () => {
    for (const [at, scope] of (['private', 'public'] as const).entries()) {
      const asked = catalogue.refresh(tools('ada'), signal)
      fetches[at]?.answer.resolve(list(scope, 1_000, scope))
      await asked
      expect(catalogue.peek(tools('eve'))?.byName.has(scope)).toBe(scope === 'public' ? true : undefined)
    }
  })

  it('stands in with a stale list for a minute while the server fails', async () => {
    const first = catalogue.get(tools('ada'), { signal })
    fetches[0]?.answer.resolve(list('one'))
    await first
    clock = 59_000
    const second = catalogue.get(tools('ada'), { signal })
    fetches[1]?.answer.reject(new Error('down'))
    expect(await second).toMatchObject({ stale: true, items: [{ name: 'one' }] })
    clock = 61_000
    const third = catalogue.get(tools('ada'), { signal })
    fetches[2]?.answer.reject(new Error('down'))
    await expect(third).rejects.toThrow('down')
  })

  it('forgets a list that has changed, also one that was on its way', async () => {
    const asked = catalogue.get(tools('ada'), { signal })
    catalogue.invalidate('t', 'tools/list')
    fetches[0]?.answer.resolve(list('old', 1_000))
    expect((await asked).byName.has('old')).toBe(true)
    expect(catalogue.peek(tools('ada'))).toBeUndefined()
  })

  it('ends a fetch when the last who waits has gone, not before', async () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const waiting = [one, two].map((abort) => catalogue.get(tools('ada'), { signal: abort.signal }))
    one.abort(new Error('gone'))
    await expect(waiting[0]).rejects.toThrow('gone')
    expect(fetches[0]?.signal.aborted).toBe(false)
    two.abort(new Error('gone too'))
    await expect(waiting[1]).rejects.toThrow('gone too')
    expect(fetches[0]?.signal.aborted).toBe(true)
  })

  it('finds tools by name, resources by URI, resource templates by theirs', async () => {
    const members = {
      'tools/list': 'name',
      'resources/list': 'uri',
      'resources/templates/list': 'uriTemplate',
    } as const
    for (const [at, [method, member]] of Object.entries(members).entries()) {
      const asked = catalogue.get({ template: 't', method: method as keyof typeof members, context: 'ada' }, { signal })
      fetches[at]?.answer.resolve({ ...list('n'), items: [{ name: 'n', [member]: 'wanted' }] })
      expect((await asked).byName.has('wanted')).toBe(true)
    }
  })
})
