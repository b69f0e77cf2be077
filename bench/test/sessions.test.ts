import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { openCrew } from '../load/client.ts'

describe('a crew of legacy clients', () => {
  it('ends each of its sessions, so that a server that has a child per session can end that', async () => {
    const ended: (string | undefined)[] = []
    let sessions = 0
    const server = createServer((request, response) => {
      request.resume()
      if (request.method === 'DELETE') ended.push(String(request.headers['mcp-session-id']))
      if (request.method === 'POST' && request.headers['mcp-session-id'] === undefined) sessions += 1
      response.setHeader('mcp-session-id', `s${sessions}`).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    try {
      const crew = await openCrew({ url: `http://127.0.0.1:${port}/mcp`, dialect: 'legacy', tool: 'ping' }, 3)
      await crew.close()
    } finally {
      server.close()
      server.closeAllConnections()
    }
    expect(ended.sort()).toEqual(['s1', 's2', 's3'])
  })
})
