import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { migrationStatus } from '../src/migrations.js'
import { kyselyRegistryStore } from '../src/registry.js'
import { migrated, sqliteFile } from './support.js'

const children = new Set<ChildProcess>()

function child(name: string, path: string) {
  const script = fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))
  const started = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.add(started)
  return started
}

afterEach(async () => {
  for (const started of children) {
    if (started.exitCode !== null || started.signalCode !== null) continue
    started.kill('SIGKILL')
    await once(started, 'exit')
  }
  children.clear()
})

describe('an SQLite file shared by processes', () => {
  it('is migrated by one of three that start at once', async () => {
    const bed = await sqliteFile()
    try {
      const runs = [1, 2, 3].map(() => child('migrator', bed.path))
      const applied = await Promise.all(runs.map(async (run) => JSON.parse(await text(run.stdout)) as string[]))
      const { state, applied: all } = await migrationStatus(await bed.open())
      expect(state).toBe('current')
      expect(applied.filter((names) => names.length > 0)).toEqual([all])
    } finally {
      await bed.close()
    }
  })

  it('has neither half of a unit of work whose process is killed between them', async () => {
    const bed = await migrated(sqliteFile())
    try {
      const writer = child('unit-writer', bed.path)
      const [, signal] = await once(writer, 'exit')
      expect(signal).toBe('SIGKILL')
      const db = await bed.open()
      expect(await kyselyRegistryStore(db, bed.dialect).load()).toMatchObject({ version: 0, templates: new Map() })
      for (const table of ['users', 'audit_events', 'audit_links'] as const)
        expect(await db.selectFrom(table).selectAll().execute()).toEqual([])
    } finally {
      await bed.close()
    }
  })

  it('is consistent, and has everything that was acknowledged, after kill -9 of two writers', async () => {
    const bed = await migrated(sqliteFile())
    try {
      const acknowledged: string[] = []
      for (const atLeast of [7, 23, 40]) {
        const writers = [child('writer', bed.path), child('writer', bed.path)]
        await Promise.all(
          writers.map(async (writer) => {
            const lines = createInterface({ input: writer.stdout })
            for await (const line of lines) {
              acknowledged.push(line)
              if (acknowledged.length >= atLeast) writer.kill('SIGKILL')
            }
          }),
        )
      }
      const db = await bed.open()
      const state = await kyselyRegistryStore(db, bed.dialect).load()
      const instances = state.templates.get('fs')?.instances ?? []
      const ids = new Set(instances.map((instance) => instance.id))
      for (const line of acknowledged) expect(ids).toContain(line.split(' ')[1])
      // A commit is one instance, one number and one audit record, or none of them.
      expect(instances).toHaveLength(state.version)
      const audit = await db.selectFrom('audit_events').select('registry_v').execute()
      expect(audit.map((row) => Number(row.registry_v)).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: state.version }, (_, i) => i + 1),
      )
      const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(db)
      expect(check.rows).toEqual([{ integrity_check: 'ok' }])
    } finally {
      await bed.close()
    }
  })
})
