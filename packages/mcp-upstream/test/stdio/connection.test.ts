import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { tempDir, waitFor } from '@mcp-platform/test-kit'
import { mcpProbe, NodeChildBudget, type SessionLease, type UpstreamSession } from '../../src/index.js'
import {
  ASKABLE,
  call,
  collector,
  Faulty,
  failureOf,
  LIMITS,
  message,
  PLAIN,
  parsed,
  raw,
  readAll,
  toolCall,
  within,
} from './support.js'

async function pidOf(session: UpstreamSession): Promise<number> {
  return Number((await call(session, toolCall(1, 'echo'))).result['pid'])
}

async function lease(connection: Faulty, context: string, init = PLAIN): Promise<SessionLease> {
  return await connection.leaseSession({ context, init }, within())
}

describe('era', () => {
  it.each([
    ['modern', 'discover is answered', ['--modern'], 60_000],
    ['modern', 'discover is answered with a modern error', ['--modern-error'], 60_000],
    ['legacy', 'discover is an unknown method', [], 60_000],
    ['legacy', 'the server exits on discover', ['--exit-on-discover'], 60_000],
    // Its start counts too: only who is silent for ever may be given up soon.
    ['legacy', 'the server is silent on discover', ['--mute-discover'], 400],
  ] as const)('is %s when %s', async (era, _, flags, discoverTimeoutMs) => {
    await using connection = new Faulty(flags, { protocol: 'auto', discoverTimeoutMs })
    expect(await connection.identify(within())).toMatchObject({ era })
    expect(connection.identity?.era).toBe(era)
    expect(connection.ofType('era_detected')).toHaveLength(1)
  })

  it('is found out once for all who ask at the same time, in a child of its own', async () => {
    await using dir = await tempDir()
    const log = join(dir.path, 'pids')
    await using connection = new Faulty([`--log=${log}`], { protocol: 'auto' })
    const identities = await Promise.all([1, 2, 3].map(() => connection.identify(within())))
    expect(new Set(identities).size).toBe(1)
    expect(identities[0]).toMatchObject({ serverInfo: { name: 'fault', version: '1' }, instructions: 'none' })
    // One child for discover, one for initialize; the first caller gets the second one.
    await (await connection.openSession(PLAIN, 'ann', within())).close()
    expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(2)
  })

  it('is asked again after forget', async () => {
    await using connection = new Faulty(['--modern'], { protocol: 'auto' })
    await connection.identify(within())
    connection.forget()
    expect(connection.identity).toBeUndefined()
    await connection.identify(within())
    expect(connection.ofType('era_detected')).toHaveLength(2)
  })

  it('is not waited for longer than the caller wants, though the finding goes on', async () => {
    await using connection = new Faulty(['--mute-discover'], { protocol: 'auto', discoverTimeoutMs: 300 })
    const signal = AbortSignal.timeout(20)
    expect((await failureOf(connection.identify(within({ signal })))).name).toBe('TimeoutError')
    expect(await connection.identify(within())).toMatchObject({ era: 'legacy' })
    expect(connection.ofType('era_detected')).toHaveLength(1)
  })
})

describe('a modern server', () => {
  it('answers everybody from one child, under their own ids and tokens', async () => {
    await using connection = new Faulty(['--modern'])
    const calls = Array.from({ length: 1_000 }, (_, n) => call(connection.modern, toolCall(n % 10, 'echo', { n })))
    const answers = await Promise.all(calls)
    expect(answers.map(({ id, result }) => [id, result['structuredContent']])).toEqual(
      answers.map((_, n) => [n % 10, { n }]),
    )
    expect(connection.ofType('child_started')).toHaveLength(1)
  })

  it('names its listen stream as the caller did', async () => {
    await using connection = new Faulty(['--modern'])
    const request = message({ id: 'sub-1', method: 'subscriptions/listen', params: { notifications: {} } })
    const messages = await readAll(await connection.modern.exchange(request, within()))
    const _meta = { 'io.modelcontextprotocol/subscriptionId': 'sub-1' }
    expect(messages).toMatchObject([
      { method: 'notifications/subscriptions/acknowledged', params: { _meta } },
      { method: 'notifications/tools/list_changed', params: { _meta } },
      { id: 'sub-1' },
    ])
  })

  it('is refused what it asks: it must not', async () => {
    await using connection = new Faulty(['--modern'])
    expect((await call(connection.modern, toolCall(1, 'ask'))).result).toMatchObject({ answer: { code: -32601 } })
  })

  it('gets more children when those that run are busy, up to the size of the pool', async () => {
    await using connection = new Faulty(['--modern'], { poolSize: 2 })
    const busy = new AbortController()
    const hanging = Array.from({ length: 6 }, (_, id) =>
      failureOf(connection.modern.exchange(toolCall(id, 'hang'), within({ signal: busy.signal }))),
    )
    await waitFor(async () => {
      await call(connection.modern, toolCall(9, 'echo'))
      return connection.ofType('child_ready').length === 2
    })
    await call(connection.modern, toolCall(9, 'echo'))
    expect(connection.ofType('child_started')).toHaveLength(2)
    busy.abort()
    await Promise.all(hanging)
  })
})

describe('sharing of a legacy server', () => {
  it('gives each principal a child, initialised once', async () => {
    await using connection = new Faulty()
    const [ann, ann2, bob] = await Promise.all(
      ['ann', 'ann', 'bob'].map((context) => connection.openSession(PLAIN, context, within())),
    )
    if (!ann || !ann2 || !bob) throw new Error('three sessions')
    expect(await pidOf(ann)).toBe(await pidOf(ann2))
    expect(await pidOf(bob)).not.toBe(await pidOf(ann))
    await ann.exchange(raw('{"jsonrpc":"2.0","method":"notifications/initialized"}'), within())
    expect((await call(ann2, toolCall(1, 'echo'))).result['initialised']).toBe(1)
  })

  it('gives all one child when that is wanted', async () => {
    await using connection = new Faulty([], { sharing: 'shared' })
    const sessions = await Promise.all(
      ['ann', 'bob'].map((context) => connection.openSession(PLAIN, context, within())),
    )
    expect(new Set(await Promise.all(sessions.map(pidOf))).size).toBe(1)
  })

  it('gives each session one when that is wanted', async () => {
    await using connection = new Faulty([], { sharing: 'exclusive' })
    const sessions = await Promise.all([1, 2].map(() => connection.openSession(PLAIN, 'ann', within())))
    expect(new Set(await Promise.all(sessions.map(pidOf))).size).toBe(2)
  })

  it('crosses no answers between two clients with the same ids, 1,000 at once', async () => {
    await using connection = new Faulty()
    const sessions = await Promise.all([1, 2].map(() => connection.openSession(PLAIN, 'ann', within())))
    const calls = sessions.flatMap((session, client) =>
      Array.from({ length: 500 }, (_, id) => call(session, toolCall(id, 'echo', { client, id }))),
    )
    const answers = await Promise.all(calls)
    const expected = [0, 1].flatMap((client) => Array.from({ length: 500 }, (_, id) => [id, { client, id }]))
    expect(answers.map(({ id, result }) => [id, result['structuredContent']])).toEqual(expected)
    expect(connection.ofType('child_started')).toHaveLength(1)
  })

  it('closes a share without stopping the child of the others', async () => {
    await using connection = new Faulty()
    const [one, other] = await Promise.all([1, 2].map(() => connection.openSession(PLAIN, 'ann', within())))
    await one?.close()
    expect(one?.ended.aborted).toBe(true)
    expect(other && (await pidOf(other))).toBe(connection.status().children[0]?.pid)
  })

  it('tells every listening session what the server says of its own accord', async () => {
    await using connection = new Faulty()
    const sessions = await Promise.all([1, 2].map(() => connection.openSession(PLAIN, 'ann', within())))
    const ending = new AbortController()
    const sinks = sessions.map(() => collector())
    const listening = sessions.map((session, n) => session.listen(sinks[n] ?? collector(), ending.signal))
    await call(sessions[0] as UpstreamSession, toolCall(1, 'changed'))
    await waitFor(() => sinks.every(({ messages }) => messages.length === 1))
    expect(sinks[1]?.messages[0]).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    ending.abort()
    await Promise.all(listening)
  })

  it('refuses for a share what the server asks, and answers its ping', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    const refused = await call(session, toolCall(1, 'ask'))
    expect(refused.result).toMatchObject({ answer: { code: -32601 } })
    expect((await call(session, toolCall(2, 'ask', { method: 'ping' }))).result).toEqual({ answer: {} })
  })

  it('moves a share that subscribes to a child of its own', async () => {
    await using connection = new Faulty()
    const [one, other] = await Promise.all([1, 2].map(() => connection.openSession(PLAIN, 'ann', within())))
    if (!one || !other) throw new Error('two sessions')
    const shared = await pidOf(one)
    const { result } = await call(one, message({ id: 1, method: 'resources/subscribe', params: { uri: 'x:y' } }))
    expect(result['pid']).not.toBe(shared)
    expect(await pidOf(one)).toBe(result['pid'])
    expect(await pidOf(other)).toBe(shared)
  })
})

describe('a client that can be asked', () => {
  it('has a child of its own, and is asked in the answer of its call', async () => {
    await using connection = new Faulty()
    const [one, other] = await Promise.all([1, 2].map(() => connection.openSession(ASKABLE, 'ann', within())))
    if (!one || !other) throw new Error('two sessions')
    expect(await pidOf(one)).not.toBe(await pidOf(other))
    const reply = await one.exchange(toolCall('q', 'ask'), within({ limits: { ...LIMITS, idleMs: 5_000 } }))
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    const seen: Record<string, unknown>[] = []
    await reply.pipe({
      async message(json) {
        const value = JSON.parse(json.toString())
        seen.push(value)
        if (value.method) await one.exchange(message({ id: value.id, result: { name: 'Ann' } }), within())
      },
    })
    expect(seen).toMatchObject([
      { method: 'elicitation/create', params: { message: 'Name?' } },
      { id: 'q', result: { answer: { name: 'Ann' } } },
    ])
  })

  it('is asked as a session when several of its calls are in flight', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(ASKABLE, 'ann', within())
    const ending = new AbortController()
    const sink = collector()
    const listening = session.listen(sink, ending.signal)
    const slow = call(session, toolCall(1, 'slow', { ms: 100 }))
    const asking = session.exchange(toolCall(2, 'ask'), within())
    const [question] = await waitFor(() => sink.messages.length > 0 && sink.messages)
    await session.exchange(message({ id: question?.['id'] as string, result: { ok: 1 } }), within())
    expect(parsed(await asking).result).toEqual({ answer: { ok: 1 } })
    await slow
    ending.abort()
    await listening
  })

  it('keeps its child when it leases a session again, one caller at a time', async () => {
    await using connection = new Faulty()
    const first = await lease(connection, 'ann', ASKABLE)
    const second = await lease(connection, 'ann', ASKABLE)
    const pid = await pidOf(first.session)
    expect(await pidOf(second.session)).not.toBe(pid)
    first.release()
    first.release()
    const third = await lease(connection, 'ann', ASKABLE)
    expect(await pidOf(third.session)).toBe(pid)
    const bob = await lease(connection, 'bob', ASKABLE)
    expect(await pidOf(bob.session)).not.toBe(pid)
  })

  it('loses the session when it closes it, and the child with it', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(ASKABLE, 'ann', within())
    await session.close()
    expect(connection.status().children).toEqual([])
    expect(await failureOf(session.exchange(toolCall(1, 'echo'), within()))).toMatchObject({ sent: false })
  })
})

describe('leases', () => {
  it('share one session among all callers of a principal', async () => {
    await using connection = new Faulty()
    const leases = await Promise.all(Array.from({ length: 20 }, () => lease(connection, 'ann')))
    expect(new Set(await Promise.all(leases.map(({ session }) => pidOf(session)))).size).toBe(1)
    for (const { release } of leases) release()
    expect((await lease(connection, 'ann')).session).toBe(leases[0]?.session)
  })

  it('get a new session when the child of the old one has died', async () => {
    await using connection = new Faulty([], { random: () => 0 })
    const { session } = await lease(connection, 'ann')
    await failureOf(session.exchange(toolCall(1, 'crash'), within()))
    expect(await pidOf((await lease(connection, 'ann')).session)).toBeGreaterThan(0)
  })
})

describe('progress', () => {
  it('comes back under the token of each caller, in order, before the response', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    const tokens = [1, '1', 'täg']
    const replies = await Promise.all(
      tokens.map((progressToken) =>
        session.exchange(
          message({
            id: 1,
            method: 'tools/call',
            params: { name: 'progress', arguments: { steps: 3 }, _meta: { progressToken } },
          }),
          within(),
        ),
      ),
    )
    for (const [n, reply] of replies.entries()) {
      const messages = await readAll(reply)
      const progress = [1, 2, 3].map((step) => ({ params: { progressToken: tokens[n], progress: step } }))
      expect(messages).toMatchObject([...progress, { id: 1 }])
    }
  })

  it('without a token is dropped', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    expect((await call(session, toolCall(1, 'progress', { steps: 2 }))).id).toBe(1)
    expect(connection.ofType('late_answer_dropped')).toHaveLength(2)
  })

  it('does not hold up others when its reader is slow, and is bounded', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    const params = { name: 'progress', arguments: { steps: 3_000 }, _meta: { progressToken: 1 } }
    const slow = await session.exchange(message({ id: 1, method: 'tools/call', params }), within())
    await call(session, toolCall(2, 'echo'))
    const messages = await readAll(slow)
    expect(messages.length).toBeLessThan(3_000)
    expect(messages.at(-1)).toMatchObject({ id: 1 })
  })

  it('keeps a call alive; silence after it does not', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    const params = { name: 'ask', arguments: { method: 'ping' }, _meta: { progressToken: 1 } }
    expect(parsed(await session.exchange(message({ id: 1, method: 'tools/call', params }), within())).id).toBe(1)
    const limits = { ...LIMITS, idleMs: 50 }
    const own = await connection.openSession(ASKABLE, 'ann', within())
    const reply = await own.exchange(toolCall(1, 'ask'), within({ limits }))
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    // Asked and not answered: no idle timer. Answered with an error that the tool never gets to hear: silence counts.
    const failing = failureOf(
      reply.pipe({
        message: (_, { kind }) =>
          void (kind === 'request' && own.exchange(message({ id: 'other', result: {} }), within())),
      }),
    )
    expect(await failing).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timer: 'idle', sent: true })
  })
})

describe('the environment of a child', () => {
  it('has nothing of ours but six variables, and runs in its folder', async () => {
    await using dir = await tempDir()
    process.env['MCPP_TEST_SECRET'] = 'secret'
    await using connection = new Faulty([], { env: { OWN: 'yes' }, workingDir: dir.path })
    const session = await connection.openSession(PLAIN, 'ann', within())
    const { result } = await call(session, toolCall(1, 'env'))
    delete process.env['MCPP_TEST_SECRET']
    expect(result['cwd']).toBe(dir.path)
    const allowed = ['HOME', 'LOGNAME', 'OWN', 'PATH', 'SHELL', 'TERM', 'USER']
    expect(Object.keys(result['env'] as object).filter((name) => !allowed.includes(name))).toEqual([])
    expect(result['env']).toMatchObject({ OWN: 'yes' })
  })
})

describe('idle children', () => {
  it('stop; a share goes on with the next, an exclusive session has ended', async () => {
    let now = 0
    await using connection = new Faulty([], { idleStopMs: 50, now: () => now })
    const share = await connection.openSession(PLAIN, 'ann', within())
    const own = await connection.openSession(ASKABLE, 'ann', within())
    const pid = await pidOf(share)
    now = 1_000
    await waitFor(() => connection.ofType('child_exited').length === 2)
    expect(connection.ofType('child_exited').map(({ expected }) => expected)).toEqual([true, true])
    expect([share.ended.aborted, own.ended.aborted]).toEqual([false, true])
    expect(await pidOf(share)).not.toBe(pid)
  })

  it('are not those that work on a call or that somebody listens to', async () => {
    let now = 0
    await using connection = new Faulty([], { idleStopMs: 50, now: () => now })
    const busy = await connection.openSession(PLAIN, 'ann', within())
    const heard = await connection.openSession(PLAIN, 'bob', within())
    const ending = new AbortController()
    const listening = heard.listen(collector(), ending.signal)
    const working = call(busy, toolCall(1, 'slow', { ms: 300 }))
    await new Promise((resolve) => setImmediate(resolve))
    now = 1_000
    expect((await working).id).toBe(1)
    expect(connection.ofType('child_exited')).toHaveLength(0)
    ending.abort()
    await listening
    now = 2_000
    await waitFor(() => connection.ofType('child_exited').length === 2)
  })
})

describe('the budget', () => {
  it('bounds the children of a node and of a principal on one instance, and gets back what ends', async () => {
    const budget = new NodeChildBudget({ perNode: 3, perPrincipal: 2 })
    await using connection = new Faulty([], { budget, instance: 'one' })
    const sessions = await Promise.all([1, 2].map(() => connection.openSession(ASKABLE, 'ann', within())))
    const full = { code: 'UPSTREAM_BUSY', sent: false }
    expect(await failureOf(connection.openSession(ASKABLE, 'ann', within()))).toMatchObject({
      ...full,
      bound: 'children_per_principal',
      limit: 2,
    })
    await using other = new Faulty([], { budget, instance: 'two' })
    await other.openSession(ASKABLE, 'ann', within())
    expect(await failureOf(other.openSession(ASKABLE, 'bob', within()))).toMatchObject({
      ...full,
      bound: 'children',
      limit: 3,
    })
    await sessions[0]?.close()
    expect(budget.running).toBe(2)
    await other.openSession(ASKABLE, 'bob', within())
  })

  it('is not used up by starts that fail', async () => {
    const budget = new NodeChildBudget()
    await using connection = new Faulty([], { budget, command: '/no/such/server' })
    await failureOf(connection.openSession(PLAIN, 'ann', within()))
    expect(budget.running).toBe(0)
  })

  it('refuses a bound that is no positive integer', () => {
    expect(() => new NodeChildBudget({ perNode: 0 })).toThrow(RangeError)
  })
})

describe('probe', () => {
  it('asks a child that runs, without being use of it', async () => {
    await using connection = new Faulty([], { idleStopMs: 150 })
    await connection.identify(within())
    await connection.openSession(PLAIN, 'ann', within())
    const probes: Promise<unknown>[] = []
    const probing = setInterval(() => probes.push(connection.probe(within())), 1)
    await waitFor(() => connection.ofType('child_exited').length === 1)
    clearInterval(probing)
    await Promise.all(probes)
    expect(connection.ofType('child_started')).toHaveLength(1)
  })

  it('finds out who the server is first, and is content with a known one that is idle', async () => {
    await using connection = new Faulty([], { protocol: 'auto', idleStopMs: 50 })
    await connection.probe(within())
    expect(connection.identity?.era).toBe('legacy')
    await waitFor(() => connection.status().children.length === 0)
    await connection.probe(within())
    expect(connection.status().children).toEqual([])
  })

  it.each([[[]], [['--modern']]])('starts a child again after a crash (%j)', async (flags) => {
    await using connection = new Faulty(flags, { random: () => 0 })
    await connection.probe(within())
    const [child] = connection.status().children
    process.kill(child?.pid ?? 0, 'SIGKILL')
    await waitFor(() => connection.ofType('child_exited').length === 1)
    await connection.probe(within())
    expect(connection.status().children).toHaveLength(1)
  })

  it('notices a child that runs and does not answer, ends it, and starts another', async () => {
    await using connection = new Faulty([], { random: () => 0 })
    await connection.probe(within())
    const pid = connection.status().children[0]?.pid ?? 0
    process.kill(pid, 'SIGSTOP')
    const limits = { ...LIMITS, firstByteMs: 50 }
    const failure = await failureOf(connection.probe(within({ limits })))
    expect(failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timer: 'first_byte' })
    await waitFor(() => connection.ofType('child_exited').length === 1)
    await connection.probe(within())
    expect(connection.status().children).toMatchObject([{ inFlight: 0 }])
    expect(connection.status().children[0]?.pid).not.toBe(pid)
  })

  it('leaves a child alone that is deaf while it works for somebody', async () => {
    await using connection = new Faulty()
    const session = await connection.openSession(PLAIN, 'ann', within())
    const pid = connection.status().children[0]?.pid ?? 0
    const working = call(session, toolCall(1, 'held'))
    await call(session, toolCall(2, 'echo'))
    process.kill(pid, 'SIGSTOP')
    await failureOf(connection.probe(within({ limits: { ...LIMITS, firstByteMs: 50 } })))
    process.kill(pid, 'SIGCONT')
    await call(session, toolCall(3, 'release'))
    expect((await working).id).toBe(1)
  })

  it('is what mcpProbe does, and holds a child in a crash loop', async () => {
    await using connection = new Faulty([], { protocol: 'auto' })
    const probe = mcpProbe<Faulty>({ connectionOf: (target) => target, clientInfo: { name: 'test', version: '0' } })
    const { signal } = new AbortController()
    expect(await probe(connection, signal)).toBeUndefined()
    expect(await probe(connection, signal)).toBeUndefined()
    expect(connection.ofType('session_opened')).toEqual([])
    await using looping = new Faulty(['--exit-at-start'], { random: () => 0 })
    for (let n = 0; n < 5; n += 1) await failureOf(probe(looping, signal))
    expect(await probe(looping, signal)).toEqual({ verdict: 'held', reason: 'crash_loop' })
  })

  it('fails while the child is in a crash loop', async () => {
    await using connection = new Faulty(['--exit-at-start'], { protocol: 'auto', random: () => 0 })
    for (let n = 0; n < 5; n += 1) await failureOf(connection.probe(within()))
    expect(await failureOf(connection.probe(within()))).toMatchObject({ code: 'UPSTREAM_CRASH_LOOP' })
  })
})

describe('options', () => {
  it.each([
    ['poolSize', 0],
    ['idleStopMs', 1.5],
    ['startTimeoutMs', Number.POSITIVE_INFINITY],
    ['maxAnswerBytes', -1],
    ['discoverTimeoutMs', 2 ** 31],
  ])('%s must not be %d', (name, value) => {
    expect(() => new Faulty([], { [name]: value })).toThrow(`mcp-upstream: ${name} must be an integer`)
  })
})
