import { describe, expect, it } from '@jest/globals'
import { REVISIONS, type Revision, runConformance, serveHttp } from '../src/index.js'

const revisions = Object.keys(REVISIONS) as Revision[]

describe('the reference server', () => {
  it.each(revisions)('passes every scenario of the official suite at %s', async (revision) => {
    const serving = await serveHttp({ port: 0, era: 'both' })
    const scenarios = await runConformance({ url: serving.url, revision }).finally(() => serving.close())
    expect(scenarios.filter(({ passed }) => !passed)).toEqual([])
    expect(scenarios.length).toBe(REVISIONS[revision])
  })

  it('speaks no legacy when it is pinned to the modern era', async () => {
    const serving = await serveHttp({ port: 0, era: 'modern' })
    const response = await fetch(serving.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    const answer = await response.json()
    await serving.close()
    expect(response.status).toBe(400)
    expect(answer).toMatchObject({ error: { code: -32022 } })
  })
})
