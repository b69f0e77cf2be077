import { describe, expect, it } from '@jest/globals'
import { NodeChildBudget } from '../../src/index.js'
import { initialize } from '../../src/stdio/handshake.js'
import { Launcher } from '../../src/stdio/launcher.js'
import { RestartPolicy } from '../../src/stdio/restart-policy.js'
import { Supervisor } from '../../src/stdio/supervisor.js'
import { failureOf, fixture, PLAIN } from './support.js'

/** A supervisor of the fault server on a clock that stands still. */
function supervised(flags: readonly string[] = [], random = 1): Supervisor {
  const now = (): number => 0
  const launcher = new Launcher({
    spec: { command: process.execPath, args: [fixture('fault-server.mjs'), ...flags], env: {} },
    instance: '',
    budget: new NodeChildBudget(),
    maxAnswerBytes: 1_000_000,
    stopGrace: { stdinEndMs: 300, termMs: 300 },
    now,
  })
  return new Supervisor({
    policy: new RestartPolicy(() => random),
    now,
    launch: (signal) =>
      launcher.launchReady({ context: 'ann', signal, open: (channel) => initialize(channel, PLAIN, { signal, now }) }),
  })
}

const ANY_WAIT = { signal: new AbortController().signal, maxWaitMs: 60_000 }
const NO_WAIT = { ...ANY_WAIT, maxWaitMs: 0 }

describe('Supervisor', () => {
  it('starts with the first use, once for all, and stops when closed', async () => {
    const supervisor = supervised()
    expect(supervisor.state).toBe('stopped')
    const starts = [1, 2, 3].map(() => supervisor.acquire(ANY_WAIT))
    expect(supervisor.state).toBe('starting')
    expect(new Set(await Promise.all(starts)).size).toBe(1)
    expect(supervisor.state).toBe('ready')
    const closing = supervisor.close()
    expect(supervisor.state).toBe('stopping')
    await closing
    expect(supervisor.state).toBe('stopped')
    expect(await failureOf(supervisor.acquire(ANY_WAIT))).toMatchObject({ code: 'UPSTREAM_CLOSED' })
  })

  it('backs off when the child exits, and an operator can start it at once', async () => {
    const supervisor = supervised()
    const { channel } = await supervisor.acquire(ANY_WAIT)
    process.kill(channel.pid, 'SIGKILL')
    await ended(channel.ended)
    expect(supervisor.state).toBe('backoff')
    expect(await failureOf(supervisor.acquire(NO_WAIT))).toMatchObject({ code: 'UPSTREAM_CHILD_EXITED', sent: false })
    await supervisor.restart()
    expect(supervisor.state).toBe('stopped')
    expect((await supervisor.acquire(NO_WAIT)).channel.pid).not.toBe(channel.pid)
    await supervisor.close()
  })

  it('starts again by itself for those who wait for the backoff', async () => {
    const supervisor = supervised()
    const { channel } = await supervisor.acquire(ANY_WAIT)
    process.kill(channel.pid, 'SIGKILL')
    await ended(channel.ended)
    expect((await supervisor.acquire(ANY_WAIT)).channel.pid).not.toBe(channel.pid)
    await supervisor.close()
  })

  it('gives up after five exits in a minute', async () => {
    const supervisor = supervised(['--exit-at-start'], 0)
    for (let n = 0; n < 5; n += 1) await failureOf(supervisor.acquire(ANY_WAIT))
    expect(supervisor.state).toBe('crash_loop')
    await supervisor.restart()
    expect(supervisor.state).toBe('stopped')
    await supervisor.close()
  })

  it('leaves off waiting for a backoff when it is closed', async () => {
    const supervisor = supervised(['--exit-at-start'], 10_000)
    await failureOf(supervisor.acquire(ANY_WAIT))
    const waiting = failureOf(supervisor.acquire({ ...ANY_WAIT, maxWaitMs: 10_000_000 }))
    await supervisor.close()
    expect(await waiting).toMatchObject({ code: 'UPSTREAM_CLOSED', sent: false })
  })
})

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
