import { access } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import {
  freePort,
  launch,
  PeerStartError,
  pidAlive,
  seededRandom,
  TestKitTimeoutError,
  tempDir,
  waitFor,
} from '../src/index.js'

describe('waitFor', () => {
  it('returns the first truthy answer', async () => {
    let looks = 0
    expect(await waitFor(() => (looks++ > 2 ? 'seen' : undefined))).toBe('seen')
  })

  it('gives up with the last error as its cause', async () => {
    const failing = () => Promise.reject(new Error('still no'))
    const gaveUp = waitFor(failing, { timeoutMs: 30, what: 'it never came' })
    await expect(gaveUp).rejects.toThrow(TestKitTimeoutError)
    await expect(gaveUp).rejects.toMatchObject({
      message: 'it never came within 30 ms',
      cause: { message: 'still no' },
    })
  })
})

describe('launch', () => {
  it('says how and with what output a process ended before it was ready', async () => {
    const script = 'console.error("no licence"); process.exit(3)'
    const started = launch({ name: 'x', command: process.execPath, args: ['-e', script], isReady: () => false })
    await expect(started).rejects.toThrow(PeerStartError)
    await expect(started).rejects.toThrow(/ended with 3 .*no licence/s)
  })

  it('kills a process that ignores the polite signal', async () => {
    const script = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")'
    const args = ['-e', script]
    const stubborn = await launch({
      name: 'x',
      command: process.execPath,
      args,
      isReady: (line) => line === 'up',
      graceMs: 50,
    })
    await stubborn.stop()
    expect(pidAlive(stubborn.pid)).toBe(false)
    expect((await stubborn.exited).signal).toBe('SIGKILL')
  })

  it('rejects a command that does not exist', async () => {
    await expect(launch({ name: 'x', command: '/nowhere', args: [] })).rejects.toThrow(/cannot be started/)
  })
})

describe('small things', () => {
  it('a free port can be listened on', async () => {
    const port = await freePort()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    await new Promise((resolve) => server.close(resolve))
    expect(port).toBeGreaterThan(1023)
  })

  it('a temporary folder is gone after stop', async () => {
    const dir = await tempDir()
    await access(dir.path)
    await dir.stop()
    await expect(access(dir.path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('seeded chance repeats itself', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  it('this process is alive, and one beyond the highest pid is not', () => {
    expect([pidAlive(process.pid), pidAlive(4_194_305)]).toEqual([true, false])
  })
})
