import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Launched, launch, pidAlive, type TempDir, tempDir, waitFor } from '@mcp-platform/test-kit'
import { callOnce, openCrew } from '../load/client.ts'
import type { Peer } from '../peers/catalog.ts'
import { startPeer } from '../peers/start.ts'
import { stopFamily } from '../servers/family.ts'

const LONG = 60_000
let scratch: TempDir

beforeEach(async () => {
  scratch = await tempDir('mcpp-bench-peer-')
})

afterEach(() => scratch.stop())

/** A product of one file, which is given its port. */
async function peerOf(script: string): Promise<Peer> {
  await writeFile(join(scratch.path, 'main.mjs'), script)
  const prepare = async ({ port }: { port: number }): Promise<readonly string[]> => [String(port)]
  return {
    name: 'one-file',
    version: '1.0.0',
    program: 'main.mjs',
    scenes: { rest: 'mcp-hub' },
    path: '/call',
    prepare,
  }
}

function place(readyTimeoutMs = LONG) {
  const folder = join(scratch.path, 'home')
  return { installed: scratch.path, folder, child: [], endpoint: 'http://127.0.0.1:1/mcp', readyTimeoutMs }
}

const server = (answer: string): string => `import { createServer } from 'node:http'
createServer(async (request, response) => {
  const { server_name, tool, arguments: { n } } = JSON.parse(Buffer.concat(await Array.fromAsync(request)))
  response.end(${answer})
}).listen(process.argv[2], '127.0.0.1')`

describe('a peer', () => {
  it(
    'is ready when it has answered rightly, and is spoken to in its own form of REST',
    async () => {
      const answer = 'JSON.stringify({ text: "pong " + n, of: [server_name, tool].join() })'
      const running = await startPeer(await peerOf(server(answer)), place())
      try {
        const crew = await openCrew({ url: running.url, dialect: 'mcp-hub', tool: 'ping' }, 2)
        const faults = await Promise.all(crew.clients.map(callOnce)).finally(() => crew.close())
        expect(faults).toEqual([undefined, undefined])
        const crooked = await openCrew({ url: running.url, dialect: 'mcp-hub', tool: 'word_count', toolName: 'x_y' }, 1)
        const [fault] = await Promise.all(crooked.clients.map(callOnce)).finally(() => crooked.close())
        expect(fault).toContain('bench,x_y')
      } finally {
        await running.stop()
      }
      expect(pidAlive(running.pid)).toBe(false)
    },
    LONG,
  )

  it(
    'that ends at its start is reported with its exit code and its last words',
    async () => {
      const peer = await peerOf('console.error("no such option"); process.exit(4)')
      await expect(startPeer(peer, place())).rejects.toThrow(/^it ended with 4; it said: no such option$/)
    },
    LONG,
  )

  it(
    'that answers wrongly is reported with its answer, and stopped',
    async () => {
      const script = `${server('"pang"')}\nimport { writeFileSync } from 'node:fs'\nwriteFileSync(process.env.HOME + '/' + process.pid, '')`
      await expect(startPeer(await peerOf(script), place(3_000))).rejects.toThrow(/did not answer rightly .*pang/s)
      const [pid] = await readdir(join(scratch.path, 'home'))
      expect(pidAlive(Number(pid))).toBe(false)
    },
    LONG,
  )
})

describe('stopping a family', () => {
  it(
    'ends also a grandchild that ignores signals and the end of its stdin',
    async () => {
      const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('stubborn', process.pid)`
      const parent = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { stdio: 'inherit', detached: true })`
      const launched: Launched = await launch({
        name: 'family',
        command: process.execPath,
        args: ['-e', parent],
        isReady: (line) => line.startsWith('stubborn'),
        readyTimeoutMs: LONG,
      })
      const pid = Number(/stubborn (\d+)/.exec(launched.output())?.[1])
      expect(pidAlive(pid)).toBe(true)
      await stopFamily(launched)
      await waitFor(() => !pidAlive(pid), { timeoutMs: 20_000 })
      expect(pidAlive(launched.pid)).toBe(false)
    },
    LONG,
  )
})
