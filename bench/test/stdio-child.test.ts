import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { pidAlive, waitFor } from '@mcp-platform/test-kit'
import { callOnce, openCrew } from '../load/client.ts'
import { closedLoop } from '../load/closed-loop.ts'
import { StdioChild } from '../load/stdio-child.ts'

const NULL_CHILD = [process.execPath, join(import.meta.dirname, '../servers/null-child.ts')]
const target = { url: 'stdio:', dialect: 'stdio', tool: 'ping' } as const

describe('a stdio child driven directly', () => {
  it('answers every one of the clients that share its pipes', async () => {
    const crew = await openCrew({ ...target, child: NULL_CHILD }, 8)
    const sample = await closedLoop(crew.clients, 100).finally(() => crew.close())
    expect(sample.wrong).toBe(0)
    expect(sample.requests).toBeGreaterThanOrEqual(8)
  })

  it('is gone when its clients are closed', async () => {
    const says = `process.stdout.write('{"id":0,"pid":' + process.pid + '}\\n')`
    const child = new StdioChild([process.execPath, '-e', `process.stdin.on('data', () => ${says})`])
    const { body } = await child.lane().exchange('{"id":0}\n')
    const { pid } = JSON.parse(body.toString())
    expect(pidAlive(pid)).toBe(true)
    await child.close()
    await waitFor(() => !pidAlive(pid), { timeoutMs: 20_000 })
  })

  it('that ends while it is asked is reported with how it ended', async () => {
    const child = [process.execPath, '-e', 'process.stdin.once("data", () => process.exit(3))']
    await expect(openCrew({ ...target, child }, 1)).rejects.toThrow('the child ended with 3')
  })

  it('that cannot be started is reported', async () => {
    await expect(openCrew({ ...target, child: ['/nowhere/at-all'] }, 1)).rejects.toThrow('ENOENT')
  })

  it('that answers with something else is noticed', async () => {
    const says = `for (const [, id] of String(bytes).matchAll(/"id":(\\d+)/g)) process.stdout.write('{"id":' + id + '}\\n')`
    const child = [process.execPath, '-e', `process.stdin.on('data', (bytes) => { ${says} })`]
    const crew = await openCrew({ ...target, child }, 1)
    const faults = await Promise.all(crew.clients.map(callOnce)).finally(() => crew.close())
    expect(faults).toEqual([expect.stringContaining('expected pong 1000')])
  })
})
