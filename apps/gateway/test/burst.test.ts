import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { tempDir } from '@mcp-platform/test-kit'
import { startNode } from './databases/support.js'

/** What the system lets a program ask for; undefined: this is no Linux. */
function longestQueue(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  } catch {
    return undefined
  }
}

const room = longestQueue() ?? 0
const BURST = Math.min(1_500, room - 64)
const REQUEST = 'GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'

async function answerOf(socket: Socket): Promise<string> {
  socket.write(REQUEST)
  return Buffer.concat(await socket.toArray()).toString()
}

const onLinux = room > 1_000 ? describe : describe.skip
onLinux('a burst of connections', () => {
  it('waits for a process that is held up, and is served when it goes on', async () => {
    const database = `sqlite://${join((await tempDir()).path, 'gateway.db')}`
    const node = await startNode({ database })
    const { port, hostname } = new URL(node.url)
    node.signal('SIGSTOP')
    const sockets = Array.from({ length: BURST }, () => connect(Number(port), hostname))
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      node.signal('SIGCONT')
      const answers = await Promise.all(sockets.map(answerOf))
      expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 200 '))).toHaveLength(BURST)
    } finally {
      node.signal('SIGCONT')
      for (const socket of sockets) socket.destroy()
    }
  })
})
