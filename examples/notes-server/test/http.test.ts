import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type HttpServing, Notebook, serveHttp } from '../src/index.js'

let serving: HttpServing

beforeEach(async () => {
  serving = await serveHttp({ port: 0, notebook: new Notebook() })
})

afterEach(() => serving.close())

describe('the notes server over HTTP', () => {
  it('opens a session by initialize and ends it by DELETE', async () => {
    const opened = await post(initialize)
    const session = opened.headers.get('mcp-session-id') ?? ''
    expect([opened.status, serving.sessionCount]).toEqual([200, 1])
    const ended = await fetch(serving.url, { method: 'DELETE', headers: { 'mcp-session-id': session } })
    await ended.text()
    expect([ended.status, serving.sessionCount]).toEqual([200, 0])
    expect((await post(list, { 'mcp-session-id': session })).status).toBe(404)
  })

  it('refuses a request without a session, a broken body and a foreign page', async () => {
    const statuses = [
      (await post(list)).status,
      (await post('{')).status,
      (await post(initialize, { origin: 'https://evil.example' })).status,
    ]
    expect(statuses).toEqual([400, 400, 403])
  })
})

describe('a notebook', () => {
  it('forgets the oldest note when it is full', () => {
    const notebook = new Notebook()
    for (let count = 0; count < 1_001; count += 1) notebook.add('t', `text ${count}`)
    expect([notebook.list().length, notebook.find(1), notebook.find(2)?.text]).toEqual([1_000, undefined, 'text 1'])
  })
})

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
const list = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} }

async function post(body: object | string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(serving.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  await response.text()
  return response
}
