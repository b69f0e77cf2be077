import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { seededRandom, tempDir } from '@mcp-platform/test-kit'
import { startPostgres } from '@mcp-platform/test-kit/databases'
import { openStores } from '../../src/index.js'
import type { Answer } from '../helpers.js'
import { instance, type NodeProcess, onServer, startNode } from './support.js'

const WRITES = 10_000
/** Of them on PostgreSQL, where each is a round trip more. */
const WRITES_ON_SERVER = 1_000
const WRITERS = 8
/** Times that the gateway is killed, at moments that chance chooses, spread over all writes. */
const KILLS = 8
const KILLS_ON_SERVER = 4

/** A change was refused, which would be a defect. */
class Refused extends Error {}

/**
 * What the writers were told. The value of a thing is `undefined` when it is not there; what was under way when the process
 * was killed may be as before or as after.
 */
class Ledger {
  readonly may = new Map<string, ReadonlySet<string | undefined>>()
  acknowledged = 0
  readonly #wanted: { readonly count: number; readonly reached: () => void }[] = []

  async write(thing: string, value: string | undefined, send: () => Promise<Answer>): Promise<Answer> {
    const before = this.may.get(thing) ?? new Set([undefined])
    this.may.set(thing, new Set([...before, value]))
    const answer = await send()
    if (answer.status >= 300) throw new Refused(`${thing}: ${answer.status}: ${answer.text}`)
    this.may.set(thing, new Set([value]))
    this.acknowledged += 1
    for (const { count, reached } of this.#wanted) if (this.acknowledged >= count) reached()
    return answer
  }

  /** Resolves when so many writes were acknowledged. */
  async until(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wanted.push({ count, reached: resolve })
    if (this.acknowledged < count) await promise
  }
}

/** Instances, users, keys and settings of one writer, made and mostly taken away again, until the process is killed under it. */
async function writer(node: NodeProcess, ledger: Ledger, name: string, stop: AbortSignal): Promise<void> {
  const { admin } = node
  const template = `t-${name}`
  try {
    for (let n = 0; !stop.aborted; n += 1) {
      const id = `${name}-${n}`
      const keep = n % 16 === 0
      await ledger.write(`instance ${id}`, 'there', () =>
        admin('POST', '/gateway/register', instance(id, URL, template)),
      )
      for (const retries of [n % 90, (n + 7) % 90, (n + 31) % 90]) {
        const settings = { load_balancer: { max_retries: retries } }
        await ledger.write(`settings ${template}`, String(retries), () =>
          admin('PATCH', `/gateway/templates/${template}`, settings),
        )
      }
      if (!keep) await ledger.write(`instance ${id}`, undefined, () => remove(node, template, id))
      await ledger.write(`user ${id}`, 'there', () => admin('POST', '/auth/users', { name: id, role: 'user' }))
      if (!keep) await ledger.write(`user ${id}`, undefined, () => admin('DELETE', `/auth/users/${id}`))
      if (n % 8 > 0) continue
      const made = await ledger.write(`key ${id}`, 'there', () =>
        admin('POST', '/auth/api-keys', { name: id, role: 'user' }),
      )
      if (!keep) await ledger.write(`key ${id}`, undefined, () => admin('DELETE', `/auth/api-keys/${made.json.key.id}`))
    }
  } catch (error) {
    // Else the process is gone.
    if (error instanceof Refused) throw error
  }
}

const URL = 'http://127.0.0.1:9/mcp'

function remove(node: NodeProcess, template: string, id: string): Promise<Answer> {
  return node.admin('DELETE', `/gateway/deregister/${template}/${id}?force=true`)
}

async function crashes(database: string, writes: number, kills: number): Promise<void> {
  const random = seededRandom(20_261_122)
  const ledger = new Ledger()
  const stateDir = (await tempDir()).path
  const flags = { 'log-level': 'error', 'health-interval': 3_600, sync: false }
  for (let life = 1; life <= kills; life += 1) {
    const node = await startNode({ database, stateDir, flags })
    await agrees(node, ledger)
    const dead = new AbortController()
    const writing = Array.from({ length: WRITERS }, (_, at) => writer(node, ledger, `w${life}-${at}`, dead.signal))
    // A number of writes, so that it takes as long as the machine needs, and then a moment inside one of them.
    const spread = life === kills ? 1 : 0.75 + random() / 2
    const enough = ledger.until(Math.min(writes, ledger.acknowledged + Math.ceil((writes / kills) * spread)))
    const last = life === kills ? ledger.until(writes) : enough
    await Promise.race([Promise.all([enough, last]), Promise.all(writing)])
    await sleep(random() * 20)
    await node.kill9()
    dead.abort()
    await Promise.all(writing)
  }
  const node = await startNode({ database, stateDir, flags })
  await agrees(node, ledger)
  expect((await node.admin('GET', '/auth/audit/verify')).json).toMatchObject({ ok: true })
  await node.stop()
  expect(ledger.acknowledged).toBeGreaterThanOrEqual(writes)
  await isConsistent(database, ledger)
}

/** Everything that was acknowledged holds, and nothing else but what was under way. */
async function agrees(node: NodeProcess, ledger: Ledger): Promise<void> {
  const found = await everything(node)
  const wrong = [...ledger.may].filter(([thing, values]) => !values.has(found.get(thing)))
  expect(wrong.map(([thing, values]) => [thing, [...values], found.get(thing)])).toEqual([])
  expect([...found.keys()].filter((thing) => !ledger.may.has(thing))).toEqual([])
}

interface Listed {
  readonly id: string
  readonly name: string
  readonly revoked_at?: string | null
}

async function everything(node: NodeProcess): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  const { templates } = (await node.admin('GET', '/gateway/registry')).json
  for (const { instances } of Object.values<{ instances: Listed[] }>(templates)) {
    for (const { id } of instances) found.set(`instance ${id}`, 'there')
  }
  const exported = (await node.admin('GET', '/gateway/export')).json
  for (const [name, { load_balancer: set }] of Object.entries<{ load_balancer?: { max_retries?: number } }>(
    exported.templates,
  )) {
    if (set?.max_retries !== undefined) found.set(`settings ${name}`, String(set.max_retries))
  }
  for (const { name } of exported.users) found.set(`user ${name}`, 'there')
  const { api_keys: keys } = (await node.admin('GET', '/auth/api-keys')).json
  for (const { name, revoked_at } of keys as Listed[]) if (!revoked_at) found.set(`key ${name}`, 'there')
  return found
}

/** Each version is one change with one audit record: a commit is whole or not there. */
async function isConsistent(database: string, ledger: Ledger): Promise<void> {
  const stores = await openStores({ database, schema: 'require' })
  const { version } = await stores.registry.load()
  const audit = stores.kysely.selectFrom('audit_events').select(['action', 'registry_v'])
  const changes = (await audit.execute()).filter(({ action }) => /^(?:instance|template|user|key)\./.test(action))
  await stores.close()
  expect(version).toBeGreaterThanOrEqual(ledger.acknowledged)
  expect(changes.length).toBe(version)
  const versions = changes.flatMap(({ registry_v: v }) => (v === null ? [] : [Number(v)]))
  expect(new Set(versions).size).toBe(versions.length)
}

describe('kill -9 at random moments of 10,000 writes', () => {
  it('loses nothing that was acknowledged, on SQLite', async () => {
    await crashes(`sqlite://${join((await tempDir()).path, 'gateway.db')}`, WRITES - WRITES_ON_SERVER, KILLS)
  }, 900_000)
})

await onServer('PostgreSQL', startPostgres, (server) => {
  it('loses nothing that was acknowledged when the gateway is killed at random moments of many writes', async () => {
    await crashes(await server.createDatabase(), WRITES_ON_SERVER, KILLS_ON_SERVER)
  }, 600_000)
})
