import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { pidAlive, tempDir, waitFor } from '@mcp-platform/test-kit'
import { call, Faulty, failureOf, LIMITS, PLAIN, phases, raw, toolCall, within } from './support.js'

const MIB = 1024 * 1024

async function open(connection: Faulty): Promise<Awaited<ReturnType<Faulty['openSession']>>> {
  return await connection.openSession(PLAIN, 'ann', within())
}

describe('what a child writes', () => {
  it.each([
    ['a banner with ANSI codes and NUL', '--banner'],
    ['CRLF', '--crlf'],
    ['invalid UTF-8 before its first answer', '--invalid-utf8'],
    ['ids as strings', '--string-ids'],
    ['a flood of stderr', '--stderr-flood'],
  ])('%s does not keep calls from being answered', async (_, flag) => {
    await using connection = new Faulty([flag])
    const session = await open(connection)
    for (const id of [7, '7', 'x"y', -1]) {
      expect(await call(session, toolCall(id, 'echo', { id }))).toMatchObject({
        id,
        result: { structuredContent: { id } },
      })
    }
  })

  it('is reported, printable and cut, when it is no JSON-RPC', async () => {
    await using connection = new Faulty(['--banner'])
    await open(connection)
    const heads = connection.ofType('child_line_dropped').map(({ head }) => head)
    expect(heads).toEqual(['\\x1b[32mWelcome!\\x1b[0m\\x00 {not json}', 'server v1'])
  })

  it('on stderr is shown at most 50 lines per second', async () => {
    await using connection = new Faulty(['--stderr-flood'], { now: () => 0 })
    const session = await open(connection)
    await call(session, toolCall(1, 'echo'))
    expect(connection.ofType('child_stderr')).toHaveLength(50)
  })

  it('arrives whole when it is torn inside a character', async () => {
    await using connection = new Faulty()
    const { result } = await call(await open(connection), toolCall(1, 'torn'))
    expect(result).toEqual({ text: 'zwölf Boxkämpfer 🥊' })
  })

  it('becomes valid UTF-8 when an answer is not', async () => {
    await using connection = new Faulty()
    const { result } = await call(await open(connection), toolCall(1, 'badUtf8'))
    expect(result).toEqual({ text: 'a�b' })
  })

  it('may be a batch', async () => {
    await using connection = new Faulty()
    expect(await call(await open(connection), toolCall('b', 'batch'))).toMatchObject({
      id: 'b',
      result: { batched: true },
    })
  })

  it('may be its last words, without a newline', async () => {
    await using connection = new Faulty()
    const { result } = await call(await open(connection), toolCall(1, 'lastWords'))
    expect(result).toEqual({ last: true })
  })

  it('fails the request of a broken line, and no other', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const slow = call(session, toolCall(2, 'slow', { ms: 50 }))
    const failure = await failureOf(session.exchange(toolCall(1, 'broken'), within()))
    expect(failure).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', sent: true })
    expect((await slow).id).toBe(2)
  })

  it('fails the request of a line of 20 MB, and no other', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const slow = call(session, toolCall(2, 'slow', { ms: 50 }))
    const failure = await failureOf(session.exchange(toolCall(1, 'big', { bytes: 20 * MIB }), within()))
    expect(failure).toMatchObject({ code: 'UPSTREAM_ANSWER_TOO_LARGE', maxBytes: 16 * MIB })
    expect((await slow).id).toBe(2)
    expect((await call(session, toolCall(3, 'big', { bytes: 5 * MIB }))).result['text']).toHaveLength(5 * MIB)
  })

  it('leaves a request to its own deadline when the id of an oversize line comes last', async () => {
    await using connection = new Faulty([], { maxAnswerBytes: MIB })
    const session = await open(connection)
    const signal = AbortSignal.timeout(300)
    const lost = failureOf(session.exchange(toolCall(1, 'idLast', { bytes: 2 * MIB }), within({ signal })))
    expect((await call(session, toolCall(2, 'echo'))).id).toBe(2)
    expect((await lost).name).toBe('TimeoutError')
  })

  it('is bounded per exchange too', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const limits = { ...LIMITS, maxAnswerBytes: 1_000 }
    const failure = await failureOf(session.exchange(toolCall(1, 'big', { bytes: 2_000 }), within({ limits })))
    expect(failure).toMatchObject({ code: 'UPSTREAM_ANSWER_TOO_LARGE', maxBytes: 1_000 })
  })

  it.each([
    ['a second answer to the same request', 'twice'],
    ['an answer that nobody asked for', 'unknownId'],
  ])('is dropped and counted when it is %s', async (_, tool) => {
    await using connection = new Faulty()
    const session = await open(connection)
    await call(session, toolCall(1, tool))
    await call(session, toolCall(2, 'echo'))
    expect(connection.ofType('late_answer_dropped')).toHaveLength(1)
    expect(connection.status().children[0]?.droppedMessages).toBe(1)
  })
})

describe('a child that dies', () => {
  it('fails what is in flight at once, as sent', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const hanging = failureOf(session.exchange(toolCall(1, 'hang'), within()))
    const failure = await failureOf(session.exchange(toolCall(2, 'crash'), within()))
    for (const each of [failure, await hanging]) {
      expect(each).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', exitCode: 3, sent: true })
    }
    expect(session.ended.aborted).toBe(true)
    expect(connection.ofType('session_lost')).toEqual([
      { type: 'session_lost', context: 'ann', because: 'child_exited' },
    ])
  })

  it('is killed from outside: the same, and the next session gets a new child', async () => {
    await using connection = new Faulty([], { random: () => 0 })
    const session = await open(connection)
    const hanging = failureOf(session.exchange(toolCall(1, 'hang'), within()))
    const pid = connection.status().children[0]?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    expect(await hanging).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', signal: 'SIGKILL', sent: true })
    expect(await failureOf(session.exchange(toolCall(2, 'echo'), within()))).toMatchObject({
      code: 'UPSTREAM_SESSION_LOST',
      sent: false,
    })
    expect((await call(await open(connection), toolCall(3, 'echo'))).result['pid']).not.toBe(pid)
  })

  it('takes the helpers along that it leaves behind', async () => {
    await using dir = await tempDir()
    const log = join(dir.path, 'pids')
    await using connection = new Faulty(['--helper', `--log=${log}`])
    const session = await open(connection)
    const pids = (await readFile(log, 'utf8')).trim().split('\n').map(Number)
    expect(pids.filter(pidAlive)).toHaveLength(2)
    await failureOf(session.exchange(toolCall(1, 'crash'), within()))
    await waitFor(() => !pids.some(pidAlive))
  })

  it('at every start is started ever later, then not at all until an operator asks', async () => {
    let now = 1_000_000
    await using connection = new Faulty(['--exit-at-start'], { now: () => now, random: () => 0 })
    for (let n = 0; n < 5; n += 1) {
      expect(await failureOf(open(connection))).toMatchObject({
        code: 'UPSTREAM_CHILD_EXITED',
        exitCode: 1,
        sent: false,
        stderrTail: 'cannot start: no licence',
      })
    }
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_CRASH_LOOP', exits: 5, sent: false })
    expect(connection.status()).toMatchObject({ state: 'crash_loop', retryAt: new Date(now + 300_000) })
    expect(connection.ofType('child_crash_loop')).toHaveLength(1)
    expect(connection.ofType('child_exited')[0]).toMatchObject({ lastWords: ['cannot start: no licence'] })
    expect(connection.ofType('child_started')).toHaveLength(5)
    now += 300_000
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED' })
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_CRASH_LOOP' })
    await connection.restart()
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED' })
  })

  it('is told at once to those who cannot wait for the backoff', async () => {
    await using connection = new Faulty(['--exit-at-start'], { now: () => 0, random: () => 1 })
    await failureOf(open(connection))
    const limits = { ...LIMITS, connectMs: 100 }
    const failure = await failureOf(connection.openSession(PLAIN, 'ann', within({ limits })))
    expect(failure).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', sent: false })
    expect(connection.ofType('child_started')).toHaveLength(1)
    expect(connection.status().state).toBe('backoff')
  })

  it('keeps only its own principal waiting', async () => {
    await using connection = new Faulty([], { now: () => 0, random: () => 1 })
    await failureOf((await open(connection)).exchange(toolCall(1, 'crash'), within()))
    const limits = { ...LIMITS, connectMs: 1 }
    expect(await failureOf(connection.openSession(PLAIN, 'ann', within({ limits })))).toMatchObject({ sent: false })
    expect((await connection.openSession(PLAIN, 'bob', within({ limits }))).ended.aborted).toBe(false)
  })

  it('that never answers fails its start in time and is stopped', async () => {
    await using connection = new Faulty(['--silent'], { startTimeoutMs: 200 })
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timer: 'connect', sent: false })
    await waitFor(() => connection.status().children.length === 0)
  })

  it('that refuses the handshake is named, and nothing of the caller was sent', async () => {
    await using connection = new Faulty(['--refuse-initialize'])
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_NOT_IDENTIFIED', sent: false })
  })

  it('cannot be started at all: clear, and counted', async () => {
    await using connection = new Faulty([], { command: '/no/such/server', protocol: 'auto', random: () => 0 })
    for (let n = 0; n < 5; n += 1) {
      expect(await failureOf(connection.identify(within()))).toMatchObject({
        code: 'UPSTREAM_SPAWN_FAILED',
        reason: 'ENOENT',
      })
    }
    expect(await failureOf(connection.identify(within()))).toMatchObject({ code: 'UPSTREAM_CRASH_LOOP' })
  })
})

describe('a child that does not read its input', () => {
  it('takes 8 MiB, then calls are refused before they are sent, and those that waited were never sent', async () => {
    await using connection = new Faulty(['--modern'])
    const pid = await stoppedChild(connection)
    const part = 'x'.repeat(MIB)
    const waiting = Array.from({ length: 7 }, (_, id) => failureOf(exchange(connection, id, part)))
    expect(await failureOf(exchange(connection, 8, part))).toMatchObject({ code: 'UPSTREAM_BUSY', sent: false })
    process.kill(pid, 'SIGKILL')
    const failures = await Promise.all(waiting)
    expect(failures.map(({ code }) => code)).toEqual(Array.from({ length: 7 }, () => 'UPSTREAM_CHILD_EXITED'))
    expect(failures.map(({ sent }) => sent)).toEqual([true, false, false, false, false, false, false])
  })

  it('never sees a call that is given up while it waits for the pipe', async () => {
    await using connection = new Faulty(['--modern'])
    const pid = await stoppedChild(connection)
    const first = failureOf(exchange(connection, 1, 'x'.repeat(MIB)))
    const seen = phases()
    const caller = new AbortController()
    const second = failureOf(
      connection.modern.exchange(toolCall(2, 'echo'), within({ signal: caller.signal, onPhase: seen.onPhase })),
    )
    await new Promise((resolve) => setImmediate(resolve))
    caller.abort(new Error('gave up'))
    expect((await second).message).toBe('gave up')
    expect(seen.seen).toEqual(['connecting'])
    process.kill(pid, 'SIGKILL')
    await first
  })
})

describe('timers and cancelling', () => {
  it('cancels at the server what its caller gives up, and drops the late answer', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const caller = new AbortController()
    const held = failureOf(session.exchange(toolCall('s', 'held'), within({ signal: caller.signal })))
    await call(session, toolCall(1, 'echo'))
    caller.abort(new Error('hung up'))
    expect((await held).message).toBe('hung up')
    expect((await call(session, toolCall(2, 'cancelled'))).result['cancelled']).toHaveLength(1)
    await call(session, toolCall(3, 'release'))
    await waitFor(() => connection.ofType('late_answer_dropped').length === 1)
  })

  it('cancels one of two requests with the same id, that of the session that says so', async () => {
    await using connection = new Faulty()
    const [ann, other] = [await open(connection), await open(connection)]
    const ours = failureOf(ann.exchange(toolCall(5, 'hang'), within()))
    const theirs = call(other, toolCall(5, 'slow', { ms: 100 }))
    const note = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}'
    expect(await ann.exchange(raw(note), within())).toEqual({ kind: 'accepted' })
    expect(await ours).toMatchObject({ code: 'UPSTREAM_CLOSED', sent: true })
    expect((await theirs).id).toBe(5)
  })

  it('bounds the time to the first byte', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const limits = { ...LIMITS, firstByteMs: 50 }
    const failure = await failureOf(session.exchange(toolCall(1, 'hang'), within({ limits })))
    expect(failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timer: 'first_byte', afterMs: 50, sent: true })
    expect((await call(session, toolCall(2, 'cancelled'))).result['cancelled']).toHaveLength(1)
  })

  it('reports the phases in order', async () => {
    await using connection = new Faulty()
    const seen = phases()
    await call(await open(connection), toolCall(1, 'echo'), within({ onPhase: seen.onPhase }))
    expect(seen.seen).toEqual(['connecting', 'sent', 'headers'])
  })

  it('does not start for a caller that is gone already', async () => {
    await using connection = new Faulty()
    const session = await open(connection)
    const signal = AbortSignal.abort(new Error('gone'))
    expect((await failureOf(session.exchange(toolCall(1, 'echo'), within({ signal })))).message).toBe('gone')
  })
})

describe('stopping', () => {
  it('leaves nothing of a child that ignores everything, and fails what is in flight', async () => {
    const connection = new Faulty(['--stubborn', '--helper'])
    const session = await open(connection)
    const hanging = failureOf(session.exchange(toolCall(1, 'hang'), within()))
    const pid = connection.status().children[0]?.pid ?? 0
    await call(session, toolCall(2, 'echo'))
    await connection.close()
    expect(await hanging).toMatchObject({ code: 'UPSTREAM_CLOSED', sent: true })
    expect(pidAlive(pid)).toBe(false)
    expect(await failureOf(open(connection))).toMatchObject({ code: 'UPSTREAM_CLOSED', sent: false })
  })

  it('ends a start that is under way', async () => {
    const connection = new Faulty(['--silent'])
    const opening = failureOf(open(connection))
    await waitFor(() => connection.status().children.length === 1)
    await connection.close()
    expect(await opening).toMatchObject({ code: 'UPSTREAM_CLOSED', sent: false })
    expect(connection.status().children).toEqual([])
  })
})

/** A ready child that is stopped by the system, so that it reads nothing. */
async function stoppedChild(connection: Faulty): Promise<number> {
  const { result } = await call(connection.modern, toolCall(0, 'echo'))
  const pid = Number(result['pid'])
  process.kill(pid, 'SIGSTOP')
  return pid
}

function exchange(connection: Faulty, id: number, text: string): Promise<unknown> {
  return connection.modern.exchange(toolCall(id, 'echo', { text }), within())
}
