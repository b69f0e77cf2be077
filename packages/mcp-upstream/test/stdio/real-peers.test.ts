import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { everythingStdio, filesystemStdio, pidAlive, type StdioPeer, tempDir } from '@mcp-platform/test-kit'
import { StdioConnection, type UpstreamSession } from '../../src/index.js'
import { ASKABLE, call, fixture, message, PLAIN, readAll, toolCall, within } from './support.js'

class Peer extends StdioConnection implements AsyncDisposable {
  constructor(peer: StdioPeer) {
    super({ ...peer, clientInfo: { name: 'test', version: '0' } })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

describe('server-everything (SDK 1.x, legacy)', () => {
  it('is identified, lists its tools and answers', async () => {
    await using connection = new Peer(everythingStdio())
    const identity = await connection.identify(within())
    expect(identity).toMatchObject({ era: 'legacy', protocolVersion: '2025-11-25' })
    const { session, release } = await connection.leaseSession({ context: 'ann', init: PLAIN }, within())
    const { result } = await call(session, message({ id: 1, method: 'tools/list' }))
    expect((result['tools'] as { name: string }[]).map(({ name }) => name)).toContain('echo')
    expect((await call(session, toolCall('e', 'echo', { message: 'hi' }))).result).toMatchObject({
      content: [{ type: 'text', text: 'Echo: hi' }],
    })
    release()
  })

  it('sends progress under the token of the caller', async () => {
    await using connection = new Peer(everythingStdio())
    const session = await connection.openSession(PLAIN, 'ann', within())
    const params = {
      name: 'trigger-long-running-operation',
      arguments: { duration: 0.2, steps: 2 },
      _meta: { progressToken: 'p' },
    }
    const messages = await readAll(await session.exchange(message({ id: 1, method: 'tools/call', params }), within()))
    expect(messages).toMatchObject([
      { method: 'notifications/progress', params: { progress: 1, progressToken: 'p' } },
      { method: 'notifications/progress', params: { progress: 2, progressToken: 'p' } },
      { id: 1 },
    ])
  })

  it('asks a client that can be asked', async () => {
    await using connection = new Peer(everythingStdio())
    const session = await connection.openSession(ASKABLE, 'ann', within())
    const reply = await session.exchange(toolCall(1, 'trigger-elicitation-request'), within())
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    const seen: Record<string, unknown>[] = []
    await reply.pipe({
      async message(json) {
        const value = JSON.parse(json.toString())
        if (value.id === undefined) return
        seen.push(value)
        if (value.method !== undefined) await answer(session, value.id)
      },
    })
    expect(seen.map(({ method }) => method)).toEqual(['elicitation/create', undefined])
    expect(JSON.stringify(seen.at(-1))).toContain('declined')
  })
})

describe('server-filesystem', () => {
  it('answers 200 concurrent reads through one child, each to its own caller', async () => {
    await using dir = await tempDir()
    const numbers = Array.from({ length: 200 }, (_, n) => n)
    await Promise.all(numbers.map((n) => writeFile(join(dir.path, `${n}.txt`), `text ${n}`)))
    await using connection = new Peer(filesystemStdio(dir.path))
    await connection.identify(within())
    const { session } = await connection.leaseSession({ context: 'ann', init: PLAIN }, within())
    const answers = await Promise.all(
      numbers.map((n) => call(session, toolCall(n, 'read_text_file', { path: join(dir.path, `${n}.txt`) }))),
    )
    for (const [n, { id, result }] of answers.entries()) {
      expect([id, result]).toMatchObject([n, { content: [{ text: `text ${n}` }] }])
    }
    expect(connection.status().children).toHaveLength(1)
  })

  it('leaves no process behind', async () => {
    await using dir = await tempDir()
    const connection = new Peer(filesystemStdio(dir.path))
    await connection.openSession(PLAIN, 'ann', within())
    const pids = connection.status().children.map(({ pid }) => pid)
    await connection.close()
    expect(pids).toHaveLength(1)
    expect(pids.some(pidAlive)).toBe(false)
  })
})

describe('a server of the SDK 2.x (2026-07-28)', () => {
  const peer: StdioPeer = { command: process.execPath, args: [fixture('modern-server.mjs')], env: {} }
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }

  it('is identified as modern and answers without a session', async () => {
    await using connection = new Peer(peer)
    expect(await connection.identify(within())).toMatchObject({
      era: 'modern',
      protocolVersion: '2026-07-28',
      serverInfo: { name: 'modern', version: '3.0.0' },
    })
    const params = { name: 'where', arguments: {}, _meta }
    const { id, result } = await call(connection.modern, message({ id: 'w', method: 'tools/call', params }))
    const pid = connection.status().children.at(-1)?.pid
    expect([id, result]).toMatchObject(['w', { resultType: 'complete', content: [{ text: String(pid) }] }])
  })

  it('opens a listen stream under the name that the caller gave it, until the caller ends it', async () => {
    await using connection = new Peer(peer)
    await connection.identify(within())
    const ending = new AbortController()
    const request = message({
      id: 'L',
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta },
    })
    const reply = await connection.modern.exchange(request, within({ signal: ending.signal }))
    if (reply.kind !== 'stream') throw new Error('expected a stream')
    const seen: Record<string, unknown>[] = []
    const piping = reply.pipe({
      message(json) {
        seen.push(JSON.parse(json.toString()))
        ending.abort(new Error('enough'))
      },
    })
    await expect(piping).rejects.toThrow('enough')
    expect(seen).toMatchObject([
      {
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 'L' } },
      },
    ])
  })
})

async function answer(session: UpstreamSession, id: unknown): Promise<void> {
  await session.exchange(message({ id, result: { action: 'decline' } }), within())
}
