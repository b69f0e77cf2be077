import type { UnitOfWork } from '@mcp-platform/gateway-core'
import type { Kysely } from 'kysely'
import { appendAudit } from './auth/audit-append.js'
import { commitIdentity } from './auth/identity-commit.js'
import { type DialectName, traitsOf } from './dialects.js'
import { type RegistryStoreOptions, registryFacts } from './registry.js'
import { commitDiff } from './registry-commit.js'
import type { StoreTables } from './tables.js'
import { transact } from './transact.js'

/**
 * Writes a change of the registry and one of users and keys in one transaction, with the audit records of both. Give it the
 * options of the registry store beside it. The Kysely stays yours: nothing here closes it.
 */
export function kyselyUnitOfWork(
  db: Kysely<StoreTables>,
  dialect: DialectName,
  options: RegistryStoreOptions = {},
): UnitOfWork {
  traitsOf(dialect)
  return {
    commit: ({ registry, identity }) =>
      transact({ ...options, db, dialect }, async (trx) => {
        const facts = registryFacts(dialect, options)
        const { changes, expectedVersion, audit } = identity
        const { chain, now } = facts
        // The registry first: it must find the very version that it was decided on, and users take the next number.
        const version = await commitDiff(trx, registry.diff, registry.by, facts)
        const users = await commitIdentity(trx, changes, { dialect, expectedVersion, now })
        await appendAudit(trx, [audit], { dialect, chain })
        return { registry: version, identity: users }
      }),
  }
}
