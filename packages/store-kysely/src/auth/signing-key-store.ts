import type { OwnAlgorithm, SigningKeyRecord, SigningKeyStore } from '@mcp-platform/auth'
import type { Kysely, Selectable } from 'kysely'
import type { Database, DialectName } from '../dialects.js'
import { traitsOf } from '../dialects.js'
import { StoreCorruptError } from '../errors.js'
import type { StoreTables } from '../tables.js'
import { lockVersion } from '../tombstones.js'
import { type Patience, retrying, transact } from '../transact.js'
import type { SigningKeysTable } from './tables.js'

/** Keeps signing keys in a database whose schema {@link migrate} has made; the private part comes sealed. The Kysely stays yours. */
export function kyselySigningKeyStore(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  patience: Omit<Patience, 'signal'> = {},
): SigningKeyStore {
  traitsOf(dialect)
  return {
    list: () => retrying(dialect, patience, () => list(db)),
    add: (record, after) =>
      transact({ ...patience, db, dialect }, async (trx) => {
        await lockVersion(trx)
        if ((await list(trx)).at(-1)?.kid !== after) return false
        const { kid, alg, publicJwk, sealedPrivate, createdAt, signsFrom } = record
        const instants = { created_at: createdAt.toISOString(), signs_from: signsFrom.toISOString() }
        const row = { kid, alg, public_jwk: JSON.stringify(publicJwk), sealed_private: sealedPrivate, ...instants }
        await trx.insertInto('signing_keys').values(row).execute()
        return true
      }),
    reseal: async (kid, sealedPrivate) => {
      const query = db.updateTable('signing_keys').set({ sealed_private: sealedPrivate }).where('kid', '=', kid)
      await retrying(dialect, patience, () => query.execute())
    },
    remove: async (kids) => {
      if (kids.length === 0) return
      await retrying(dialect, patience, () =>
        db
          .deleteFrom('signing_keys')
          .where('kid', 'in', [...kids])
          .execute(),
      )
    },
  }
}

async function list(db: Database): Promise<readonly SigningKeyRecord[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('signs_from').orderBy('kid').execute()
  return rows.map(toRecord)
}

function toRecord(row: Selectable<SigningKeysTable>): SigningKeyRecord {
  return {
    kid: row.kid,
    alg: algorithmOf(row),
    publicJwk: JSON.parse(row.public_jwk),
    sealedPrivate: row.sealed_private,
    createdAt: new Date(row.created_at),
    signsFrom: new Date(row.signs_from),
  }
}

function algorithmOf({ kid, alg }: Selectable<SigningKeysTable>): OwnAlgorithm {
  if (alg === 'EdDSA' || alg === 'ES256') return alg
  throw new StoreCorruptError(`signing_keys/${kid}`, {
    cause: new RangeError(`unknown algorithm ${JSON.stringify(alg)}`),
  })
}
