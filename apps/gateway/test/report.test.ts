import { describe, expect, it } from '@jest/globals'
import { MasterKey } from '@mcp-platform/auth'
import { tempDir, waitFor } from '@mcp-platform/test-kit'
import { start } from './helpers.js'

describe('the report of a gateway', () => {
  it('says how it listens, that its database is up to date, and who shares it', async () => {
    const gateway = await start({ flags: { auth: true } })
    const nodes = async () => (await gateway.admin('GET', '/gateway/report')).json.nodes
    await waitFor(async () => (await nodes()).length === 1, { what: 'it has entered itself in the list of nodes' })
    const { status, json } = await gateway.admin('GET', '/gateway/report')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      exposure: { host: '127.0.0.1', auth: true, tls: false, behind_proxy: false, stdio_mode: 'commands' },
      workers: 1,
      database: {
        state: 'ok',
        dialect: 'sqlite',
        schema: { state: 'current', usable: true, pending: [], unknown: [] },
      },
      nodes: [{ self: true, version: json.version }],
      audit: { spool_bytes: 0, dropped: 0 },
      master_key: { also_reads: [], database_id: json.master_key.id },
    })
    expect(json).not.toHaveProperty('not_ready')
    expect((await gateway.get('/gateway/report')).status).toBe(401)
  })

  it('says until when the master key before is read', async () => {
    const stateDir = (await tempDir()).path
    const [old, next] = [MasterKey.generate(), MasterKey.generate()]
    const startWith = (...keys: MasterKey[]) => {
      const ring = keys.map((key) => key.export()).join(' ')
      return start({ env: { MCPP_STATE_DIR: stateDir, MCP_GATEWAY_MASTER_KEY: ring } })
    }
    const keyOf = async (gateway: Awaited<ReturnType<typeof startWith>>) =>
      (await gateway.admin('GET', '/gateway/report')).json.master_key
    const first = await startWith(old, next)
    expect(await keyOf(first)).toEqual({ id: old.id, also_reads: [next.id], database_id: old.id })
    await first.close()

    const second = await startWith(next, old)
    const { previous, ...own } = await keyOf(second)
    expect(own).toEqual({ id: next.id, also_reads: [old.id], database_id: next.id })
    expect(previous.id).toBe(old.id)
    expect(Date.parse(previous.read_until) - Date.parse(previous.replaced_at)).toBe(30 * 86_400_000)
  })
})
