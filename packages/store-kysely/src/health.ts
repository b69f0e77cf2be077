import type { CircuitChange, CircuitStore, StoredCircuit } from '@mcp-platform/health'
import type { Insertable, Kysely, Selectable, Transaction } from 'kysely'
import { type DialectName, traitsOf, upsert } from './dialects.js'
import { StoreCorruptError } from './errors.js'
import type { CircuitStatesTable, StoreTables } from './tables.js'
import { type Patience, retrying, transact } from './transact.js'

/**
 * Keeps circuits over a restart, in a database whose schema {@link migrate} has made.
 * The Kysely stays yours: nothing here closes it.
 */
export function kyselyCircuitStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): CircuitStore {
  traitsOf(dialect)
  return {
    load: async () => {
      const rows = await retrying(dialect, patience, () => db.selectFrom('circuit_states').selectAll().execute())
      return rows.map(toCircuit)
    },
    save: async (changes) => {
      if (changes.length === 0) return
      await transact({ ...patience, db, dialect }, async (trx) => {
        for (const change of lastOfEach(changes)) await apply(trx, dialect, change)
      })
    },
  }
}

/** A later change of the same circuit makes an earlier one pointless. In one order for all writers: no deadlocks. */
function lastOfEach(changes: readonly CircuitChange[]): CircuitChange[] {
  const last = new Map(changes.map((change) => [keyOf(change), change]))
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, change]) => change)
}

function keyOf(change: CircuitChange): string {
  const { group, id } = change.kind === 'set' ? change.circuit : change
  return JSON.stringify([group, id])
}

async function apply(trx: Transaction<StoreTables>, dialect: DialectName, change: CircuitChange): Promise<void> {
  if (change.kind === 'set') {
    const rows = [toRow(change.circuit)]
    return upsert(trx, dialect, { table: 'circuit_states', keys: ['group_name', 'target_id'], rows })
  }
  await trx
    .deleteFrom('circuit_states')
    .where('group_name', '=', change.group)
    .where('target_id', '=', change.id)
    .execute()
}

function toRow(circuit: StoredCircuit): Insertable<CircuitStatesTable> {
  return {
    group_name: circuit.group,
    target_id: circuit.id,
    generation: circuit.generation ?? null,
    state: circuit.state,
    open_until: circuit.openUntil?.toISOString() ?? null,
    opens: circuit.opens,
    since: circuit.since.toISOString(),
  }
}

function toCircuit(row: Selectable<CircuitStatesTable>): StoredCircuit {
  return {
    group: row.group_name,
    id: row.target_id,
    ...(row.generation === null ? {} : { generation: row.generation }),
    state: stateOf(row),
    ...(row.open_until === null ? {} : { openUntil: new Date(row.open_until) }),
    opens: Number(row.opens),
    since: new Date(row.since),
  }
}

function stateOf(row: Selectable<CircuitStatesTable>): StoredCircuit['state'] {
  const { state } = row
  if (state === 'closed' || state === 'open' || state === 'half-open') return state
  const cause = new RangeError(`unknown state ${JSON.stringify(state)}`)
  throw new StoreCorruptError(`circuit_states/${row.group_name}/${row.target_id}`, { cause })
}
