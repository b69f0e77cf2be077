import { afterEach, describe, expect, it } from '@jest/globals'
import { type FaultServer, type FaultTool, startFaultServer } from '@mcp-platform/test-kit'
import { type Harness, startGateway } from './support/harness.js'
import { LegacySession } from './support/mcp.js'
import { rest } from './support/rest.js'

let harness: Harness | undefined
let server: FaultServer | undefined

afterEach(async () => {
  await harness?.stop()
  await server?.stop()
  harness = server = undefined
})

/** A tool that wants its argument in a header of this name too. */
const mirrored = (header: string): FaultTool => ({
  definition: {
    name: 'where',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': header } } },
  },
  run: (args) => ({ result: { content: [{ type: 'text', text: String(args['region']) }] } }),
})

/** Refuses calls without the header, as a 2026 server must: before the tool runs. */
function demand(header: string): void {
  server?.setScript(({ rpcMethod, headers }) =>
    rpcMethod !== 'tools/call' || headers[`mcp-param-${header.toLowerCase()}`] === 'eu'
      ? undefined
      : { kind: 'rpc-error', status: 400, code: -32020, message: `header Mcp-Param-${header} is missing` },
  )
}

async function start(): Promise<void> {
  server = await startFaultServer(undefined, { era: 'modern', tools: [mirrored('Region')] })
  demand('Region')
  harness = await startGateway({ t: [{ id: 'one', endpoint: server.url }] })
}

/** Another version of the server is there: it wants another header, and nobody was told. */
function redeploy(header: string): void {
  server?.setTools([mirrored(header)])
  demand(header)
}

const seen = (method: string): number => server?.requestsFor(method).length ?? 0
const callRest = () => rest(harness?.base ?? '', '/mcp/t/tools/call', { name: 'where', arguments: { region: 'eu' } })

describe('a call that is refused because its tool wants other headers than were listed', () => {
  it('is repeated with those of the list as it is now, over REST', async () => {
    await start()
    expect((await callRest()).status).toBe(200)
    redeploy('Zone')
    const lists = seen('tools/list')
    const answer = await callRest()
    expect(answer).toMatchObject({ status: 200, json: { content: [{ text: 'eu' }] } })
    expect([seen('tools/list') - lists, seen('tools/call'), server?.executions('where')]).toEqual([1, 3, 2])
    expect((await callRest()).status).toBe(200)
    expect([seen('tools/list') - lists, seen('tools/call')]).toEqual([1, 4])
  })

  it('is repeated so for a 2025 client', async () => {
    await start()
    const session = await LegacySession.open(`${harness?.base}/mcp/t`)
    const call = () => session.call('tools/call', { name: 'where', arguments: { region: 'eu' } })
    expect((await call()).response).toMatchObject({ result: { content: [{ text: 'eu' }] } })
    redeploy('Zone')
    expect((await call()).response).toMatchObject({ result: { content: [{ text: 'eu' }] } })
    expect(server?.executions('where')).toBe(2)
    await session.end()
  })

  it('is repeated once: a second refusal is the answer', async () => {
    await start()
    await callRest()
    server?.setTools([mirrored('Zone')])
    demand('Other')
    const before = seen('tools/call')
    expect(await callRest()).toMatchObject({ status: 502, json: { upstream: { code: -32020 } } })
    expect([seen('tools/call') - before, server?.executions('where')]).toEqual([2, 1])
  })
})
