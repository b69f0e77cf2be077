import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  AuditChain,
  type AuditEvent,
  type AuditRecord,
  AuditTrail,
  type AuthEvent,
  auditEvent,
  type ChainReport,
  DenialCounter,
  MasterKey,
  MasterKeyRing,
  MemoryAuditStore,
  verifyChain,
} from '../src/index.js'
import { AuditSegments, FileAuditSpool, readCheckpoints, readSegments } from '../src/node.js'
import { Clock, failureOf, MINUTE, START } from './support/world.js'

const ring = new MasterKeyRing(MasterKey.generate())
const chainOf = (node = 'n1', keys = ring) => new AuditChain({ node, keys: keys.derive('audit-chain') })
const chain = chainOf()
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'auth-audit-'))
  folders.push(path)
  return path
}

const event = (n: number): AuditEvent =>
  auditEvent({ at: new Date(START + n), actor: 'user:anna', action: `a${n}`, details: { n } })

function records(count: number, of = chain): AuditRecord[] {
  const made: AuditRecord[] = []
  for (let n = 1; n <= count; n++) made.push(of.link(made.at(-1), event(n)))
  return made
}

describe('a chain of audit records', () => {
  const six = records(6)
  const verify = (changed: readonly AuditRecord[], options: object = {}): Promise<ChainReport> =>
    verifyChain(changed, { chain, ...options })
  const at = (index: number): AuditRecord => {
    const record = six[index]
    if (record === undefined) throw new Error('no record')
    return record
  }

  it('verifies as it was written, several nodes mixed', async () => {
    expect(await verify(six)).toMatchObject({ ok: true, records: 6, unverifiable: 0, heads: [{ node: 'n1', seq: 6 }] })
    const other = records(3, chainOf('n2'))
    expect(await verify([...six.slice(0, 3), ...other, ...six.slice(3)])).toMatchObject({ ok: true, records: 9 })
    expect(await verify([])).toMatchObject({ ok: true, records: 0 })
  })

  it.each(
    Object.entries({
      actor: 'user:bert',
      action: 'x',
      outcome: 'denied',
      target: 't',
      requestId: 'r',
      address: 'a',
      count: 2,
      details: { n: 9 },
      id: 'x',
      at: new Date(0),
      keyId: at(2).keyId.replace(/./g, '0'),
      mac: at(1).mac,
      node: 'n9',
    }),
  )('names the record whose %s was edited', async (member, value) => {
    const changed = six.map((record, index) => (index === 2 ? { ...record, [member]: value } : record))
    const report = await verify(changed)
    // Under an unknown key the record itself cannot be checked, the one after it shows that something is wrong.
    const [fault, seq] = member === 'node' ? ['missing', 1] : ['edited', 3]
    expect(report).toMatchObject({ ok: false, fault, seq, records: 2 })
  })

  it('names what is missing, in the middle and at the beginning', async () => {
    expect(await verify(six.toSpliced(2, 1))).toMatchObject({ ok: false, fault: 'missing', seq: 3, id: at(3).id })
    expect(await verify(six.slice(1))).toMatchObject({ ok: false, fault: 'missing', seq: 1 })
    const renumbered = six.toSpliced(2, 1).map((record, index) => ({ ...record, seq: index + 1 }))
    expect(await verify(renumbered)).toMatchObject({ ok: false, fault: 'edited', seq: 3 })
  })

  it('names what is not at its place, and what is there twice', async () => {
    expect(await verify([at(0), at(1), at(3), at(2), at(4)])).toMatchObject({ ok: false, fault: 'missing', seq: 3 })
    expect(await verify([at(0), at(1), at(1), at(2)])).toMatchObject({
      ok: false,
      fault: 'reordered',
      seq: 2,
      id: at(1).id,
    })
    expect(await verify([at(0), at(1), { ...at(3), seq: 3 }, { ...at(2), seq: 4 }])).toMatchObject({
      ok: false,
      fault: 'edited',
      seq: 3,
    })
  })

  it('shows by a checkpoint that its end was cut off, or is another one', async () => {
    const until = [chain.checkpoint(at(5))]
    expect(await verify(six, { until })).toMatchObject({ ok: true })
    expect(await verify(six.slice(0, 4), { until })).toMatchObject({
      ok: false,
      fault: 'truncated',
      seq: 5,
      records: 4,
    })
    expect(await verify([], { until })).toMatchObject({ ok: false, fault: 'truncated', seq: 1 })
    const forged = [{ ...chain.checkpoint(at(3)), seq: 4, mac: at(2).mac }]
    expect(await verify(six, { until: forged })).toMatchObject({ ok: false, fault: 'checkpoint', seq: 4 })
    expect(await verify(six.slice(0, 4), { until: [{ ...at(3), signature: 'x' }] })).toMatchObject({
      ok: false,
      fault: 'checkpoint',
    })
  })

  it('may begin at a signed checkpoint', async () => {
    expect(await verify(six.slice(3), { from: [chain.checkpoint(at(2))] })).toMatchObject({ ok: true, records: 3 })
    expect(await verify(six.slice(3), { from: [chain.checkpoint(at(1))] })).toMatchObject({
      ok: false,
      fault: 'missing',
      seq: 3,
    })
    expect(await verify(six.slice(3), { from: [{ ...at(2), signature: '' }] })).toMatchObject({
      ok: false,
      fault: 'checkpoint',
    })
  })

  it('cannot be made without the key, and is read with an older one', async () => {
    const stranger = chainOf('n1', new MasterKeyRing(MasterKey.generate()))
    expect(await verify(records(3, stranger))).toMatchObject({ ok: true, unverifiable: 3 })
    const rotated = chainOf('n1', new MasterKeyRing(MasterKey.generate(), [ring.current]))
    const continued = [...six, rotated.link(at(5), event(7))]
    expect(await verifyChain(continued, { chain: rotated })).toMatchObject({ ok: true, records: 7, unverifiable: 0 })
  })

  it('notices any change of any member of any record', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 5 }),
        fc.constantFrom('actor', 'action', 'mac', 'id'),
        fc.string(),
        async (index, member, value) => {
          const changed = six.map((record, i) => (i === index ? { ...record, [member]: value } : record))
          const isSame = at(index)[member as 'actor'] === value
          expect((await verify(changed)).ok).toBe(isSame)
        },
      ),
    )
  })
})

describe('refusals', () => {
  it('are put together per principal, action and minute, with the first as the example', () => {
    const clock = new Clock()
    const denials = new DenialCounter(clock.now)
    const deny = (actor: string, action: string) =>
      denials.note({ actor, action, reason: 'scope', address: '10.0.0.1' })
    for (let i = 0; i < 500; i++) deny('user:anna', 'tools/call')
    deny('user:anna', 'users.list')
    deny('user:bert', 'tools/call')
    expect(denials.drain()).toEqual([])
    clock.advance(MINUTE)
    const drained = denials.drain()
    expect(drained.map(({ actor, action, count }) => [actor, action, count])).toEqual([
      ['user:anna', 'tools/call', 500],
      ['user:anna', 'users.list', 1],
      ['user:bert', 'tools/call', 1],
    ])
    expect(drained[0]).toMatchObject({
      outcome: 'denied',
      at: new Date(START),
      address: '10.0.0.1',
      details: { reason: 'scope' },
    })
    expect(denials.drain({ all: true })).toEqual([])
  })

  it('of very many principals are a bounded number of rows', () => {
    const denials = new DenialCounter(() => START)
    for (let i = 0; i < 5_000; i++) denials.note({ actor: `user:${i}`, action: 'x', reason: 'scope' })
    const drained = denials.drain({ all: true })
    expect(drained).toHaveLength(1_001)
    expect(drained.at(-1)).toMatchObject({ actor: 'many', count: 4_000 })
  })
})

describe('the audit trail', () => {
  it('writes what it got, and refusals at the end', async () => {
    const store = new MemoryAuditStore(chain)
    const trail = new AuditTrail({ store })
    trail.record(event(1))
    trail.denied({ actor: 'user:anna', action: 'x', reason: 'scope' })
    await trail.close()
    expect((await store.query({ limit: 9 })).map(({ action }) => action).toSorted()).toEqual(['a1', 'x'])
  })

  it('writes by itself, each second or as told', async () => {
    const written = Promise.withResolvers<void>()
    const store = { append: async () => written.resolve() }
    const trail = new AuditTrail({ store, flushMs: 5 })
    trail.start()
    trail.record(event(1))
    await written.promise
    await trail.close()
  })

  it('keeps events in order in a file while the store fails, and replays each once, also after a restart', async () => {
    const path = join(await folder(), 'sub', 'spool.jsonl')
    const events: AuthEvent[] = []
    const kept = new MemoryAuditStore(chain)
    let isDown = true
    // Fails after it has written: nobody knows what was written then.
    const store = {
      append: (batch: readonly AuditEvent[]) =>
        kept.append(batch).then(() => (isDown ? Promise.reject(new Error('down')) : undefined)),
    }
    const open = () =>
      new AuditTrail({ store, spool: new FileAuditSpool({ path }), onEvent: (told) => void events.push(told) })
    const first = open()
    first.record(event(1))
    first.record(event(2))
    await first.flush()
    first.record(event(3))
    await first.close()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(3)
    await appendFile(path, '{"torn')
    isDown = false
    const second = open()
    second.record(event(4))
    await second.close()
    expect((await kept.query({ limit: 9 })).map(({ action }) => action)).toEqual(['a4', 'a3', 'a2', 'a1'])
    expect(await failureOf(() => stat(path))).toMatchObject({ code: 'ENOENT' })
    expect(events.map(({ type }) => type)).toContain('audit-deferred')
  })

  it('without a spool keeps events in memory, says so, and counts what it drops', async () => {
    const events: AuthEvent[] = []
    const kept = new MemoryAuditStore(chain)
    let isDown = true
    const store = {
      append: async (batch: readonly AuditEvent[]) => (isDown ? Promise.reject(new Error('down')) : kept.append(batch)),
    }
    const trail = new AuditTrail({ store, maxPending: 2, onEvent: (told) => void events.push(told) })
    for (const n of [1, 2, 3, 4]) trail.record(event(n))
    expect(await failureOf(() => trail.flush())).toMatchObject({ code: 'AUTH_UNAVAILABLE' })
    expect(events).toContainEqual({ type: 'audit-dropped', dropped: 2 })
    isDown = false
    await trail.close()
    expect(await kept.query({ limit: 9 })).toHaveLength(2)
  })

  it('has nothing to replay where nothing was kept', async () => {
    const spool = new FileAuditSpool({ path: join(await folder(), 'spool') })
    const written: unknown[] = []
    await spool.drain(async (events) => void written.push(events))
    expect(written).toEqual([])
  })

  it('refuses to fill the disk', async () => {
    const spool = new FileAuditSpool({ path: join(await folder(), 'spool'), maxBytes: 300 })
    await spool.append([event(1)])
    expect(await failureOf(() => spool.append([event(2)]))).toMatchObject({ code: 'AUTH_UNAVAILABLE' })
  })
})

describe('audit segments', () => {
  const collect = async (path: string, node?: string): Promise<AuditRecord[]> => {
    const found: AuditRecord[] = []
    for await (const record of readSegments(path, node)) found.push(record)
    return found
  }

  it('are files of chained lines, begun anew when large, that verify up to the last checkpoint', async () => {
    const path = join(await folder(), 'audit')
    const segments = new AuditSegments({ folder: path, chain, maxSegmentBytes: 1_000 })
    await segments.start()
    for (let n = 1; n <= 20; n++) {
      segments.record(event(n))
      if (n % 4 === 0) await segments.flush()
    }
    await segments.close()
    const names = (await readdir(path)).filter((name) => name.endsWith('.jsonl'))
    expect(names.length).toBeGreaterThan(2)
    expect((await stat(join(path, names[0] ?? ''))).mode & 0o777).toBe(0o600)
    const until = await readCheckpoints(path)
    expect(await verifyChain(readSegments(path), { chain, until })).toMatchObject({ ok: true, records: 20 })
  })

  it('go on after a restart, also one that left half a line', async () => {
    const path = await folder()
    const write = async (...numbers: number[]) => {
      const segments = new AuditSegments({ folder: path, chain })
      await segments.start()
      for (const n of numbers) segments.record(event(n))
      await segments.close()
    }
    await write(1, 2)
    const [name = ''] = (await readdir(path)).filter((file) => file.endsWith('.jsonl'))
    await appendFile(join(path, name), '{"id":"torn","at"')
    await write(3)
    expect((await collect(path)).map(({ action, seq }) => [action, seq])).toEqual([
      ['a1', 1],
      ['a2', 2],
      ['a3', 3],
    ])
    expect(await verifyChain(readSegments(path), { chain, until: await readCheckpoints(path) })).toMatchObject({
      ok: true,
    })
  })

  it('show what was edited, taken out or cut off', async () => {
    const path = await folder()
    const segments = new AuditSegments({ folder: path, chain })
    await segments.start()
    for (const n of [1, 2, 3, 4]) segments.record(event(n))
    await segments.close()
    const file = join(path, (await readdir(path)).find((name) => name.endsWith('.jsonl')) ?? '')
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    const until = await readCheckpoints(path)
    const check = async (changed: string[]) => {
      await writeFile(file, changed.map((line) => `${line}\n`).join(''))
      return verifyChain(readSegments(path), { chain, until })
    }
    expect(await check(lines.map((line) => line.replace('"a2"', '"a9"')))).toMatchObject({
      ok: false,
      fault: 'edited',
      seq: 2,
    })
    expect(await check(lines.toSpliced(1, 1))).toMatchObject({ ok: false, fault: 'missing', seq: 2 })
    expect(await check(lines.slice(0, 3))).toMatchObject({ ok: false, fault: 'truncated', seq: 4 })
    expect(await check(lines)).toMatchObject({ ok: true, records: 4 })
    await writeFile(file, 'garbage\n')
    await expect(collect(path)).rejects.toThrow(SyntaxError)
  })

  it('of several nodes lie in one folder and do not mix', async () => {
    const path = await folder()
    for (const node of ['a/b', 'a']) {
      const segments = new AuditSegments({ folder: path, chain: chainOf(node) })
      await segments.start()
      segments.record(event(1))
      await segments.close()
    }
    expect((await collect(path, 'a')).map(({ node }) => node)).toEqual(['a'])
    expect(await verifyChain(readSegments(path), { chain, until: await readCheckpoints(path) })).toMatchObject({
      ok: true,
      records: 2,
    })
  })

  it('keep what could not be written, count what is too much, and write by themselves', async () => {
    const path = await folder()
    const events: AuthEvent[] = []
    const written = Promise.withResolvers<void>()
    const segments = new AuditSegments({
      folder: path,
      chain,
      flushMs: 5,
      maxPending: 2,
      onEvent: (told) => {
        events.push(told)
        if (told.type === 'audit-written') written.resolve()
      },
    })
    for (const n of [1, 2, 3]) segments.record(event(n))
    await rm(path, { recursive: true })
    expect(await failureOf(() => segments.flush())).toMatchObject({ code: 'ENOENT' })
    await segments.start()
    await written.promise
    await segments.close()
    expect(events).toContainEqual({ type: 'audit-dropped', dropped: 1 })
    expect((await collect(path)).map(({ action }) => action)).toEqual(['a1', 'a2'])
  })
})
