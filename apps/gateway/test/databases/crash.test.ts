import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { seededRandom, tempDir } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { openStores } from '../../src/index.js'
import { instance, type NodeProcess, onServer, startNode } from './support.js'

/** Of the whole run; MCPP_CRASH_WRITES=10000 makes the long one. */
const WRITES = Number(process.env['MCPP_CRASH_WRITES'] ?? 300)
const WRITERS = 4
const LONGEST_LIFE_MS = 4_000

type Known = 'there' | 'gone' | 'unknown'

/** A change was refused, which would be a defect. */
class Refused extends Error {}

/** What the writers were told; what was under way when the process was killed may be either. */
class Ledger {
  readonly known = new Map<string, Known>()
  acknowledged = 0

  async write(node: NodeProcess, id: string, gone: boolean): Promise<void> {
    this.known.set(id, 'unknown')
    const answer = gone
      ? await node.admin('DELETE', `/gateway/deregister/fs/${id}`)
      : await node.admin('POST', '/gateway/register', instance(id))
    if (answer.status >= 300) throw new Refused(`${answer.status}: ${answer.text}`)
    this.known.set(id, gone ? 'gone' : 'there')
    this.acknowledged += 1
  }
}

/** Registers, and takes two of three away again, until the process is killed under it. */
async function writer(node: NodeProcess, ledger: Ledger, name: string, stop: AbortSignal): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    try {
      await ledger.write(node, `${name}-${n}`, false)
      if (n % 3 > 0) await ledger.write(node, `${name}-${n}`, true)
    } catch (error) {
      // Else the process is gone.
      if (error instanceof Refused) throw error
      return
    }
  }
}

async function crashes(database: string): Promise<void> {
  const random = seededRandom(20_261_122)
  const ledger = new Ledger()
  const stateDir = (await tempDir()).path
  let lives = 0
  while (ledger.acknowledged < WRITES || lives < 3) {
    const node = await startNode({ database, stateDir, flags: { 'log-level': 'error', 'health-interval': 60 } })
    await agrees(node, ledger)
    const dead = new AbortController()
    const writing = Array.from({ length: WRITERS }, (_, at) => writer(node, ledger, `w${lives}-${at}`, dead.signal))
    await Promise.race([sleep(random() * LONGEST_LIFE_MS), Promise.all(writing)])
    await node.kill9()
    dead.abort()
    await Promise.all(writing)
    lives += 1
  }
  const node = await startNode({ database, stateDir })
  await agrees(node, ledger)
  const { json } = await node.admin('GET', '/auth/audit/verify')
  expect(json).toMatchObject({ ok: true })
  await node.stop()
  await isConsistent(database, ledger)
}

/** Everything that was acknowledged holds, and nothing else but what was under way. */
async function agrees(node: NodeProcess, ledger: Ledger): Promise<void> {
  const { templates } = (await node.admin('GET', '/gateway/registry')).json
  const there = new Set((templates.fs?.instances ?? []).map(({ id }: { id: string }) => id))
  const wrong = [...ledger.known].filter(([id, known]) => known !== 'unknown' && there.has(id) !== (known === 'there'))
  expect(wrong).toEqual([])
  expect([...there].filter((id) => !ledger.known.has(String(id)))).toEqual([])
}

/** Each version is one change with one audit record: a commit is whole or not there. */
async function isConsistent(database: string, ledger: Ledger): Promise<void> {
  const stores = await openStores({ database, schema: 'require' })
  const { version } = await stores.registry.load()
  const audit = stores.kysely.selectFrom('audit_events').select('registry_v').where('registry_v', 'is not', null)
  const versions = (await audit.execute()).map((row) => Number(row.registry_v)).toSorted((a, b) => a - b)
  await stores.close()
  expect(version).toBeGreaterThanOrEqual(ledger.acknowledged)
  expect(versions).toEqual(Array.from({ length: version }, (_, at) => at + 1))
}

describe('kill -9 at random moments of many writes', () => {
  it('loses nothing that was acknowledged, on SQLite', async () => {
    await crashes(`sqlite://${join((await tempDir()).path, 'gateway.db')}`)
  }, 600_000)
})

await onServer('PostgreSQL', startPostgres, (server) => {
  it('loses nothing that was acknowledged when the gateway is killed at random moments of many writes', async () => {
    await crashes(await server.createDatabase())
  }, 600_000)
})
