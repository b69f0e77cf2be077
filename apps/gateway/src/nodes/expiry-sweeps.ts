import type { AuditChain } from '@mcp-platform/auth'
import { kyselyAuditStore, kyselyIdentityStore, kyselyRefreshTokenStore } from '@mcp-platform/store-kysely/auth'
import type { Stores } from '../open-stores.js'

const DAY_MS = 24 * 60 * 60 * 1_000
const AUDIT_DAYS = 90
/** Keys that are over are still shown for a while: somebody may wonder what became of theirs. */
const KEY_DAYS = 30
// Small batches: others wait for the same rows.
const AUDIT_BATCH = 500
const AUDIT_BATCHES = 20

/**
 * What is deleted when its time is over, besides the registry's: audit records after 90 days, tokens at their expiry, keys
 * 30 days after. Instants are compared to the minute at best, so that this machine's clock will do.
 */
export function expirySweeps(
  { kysely, dialect }: Pick<Stores, 'kysely' | 'dialect'>,
  chain: AuditChain | undefined,
  now: () => number = Date.now,
): (() => Promise<unknown>)[] {
  const before = (days: number): Date => new Date(now() - days * DAY_MS)
  const tokens = kyselyRefreshTokenStore(kysely, dialect)
  const expiry = [() => tokens.sweep(before(0))]
  if (chain === undefined) return expiry
  const identity = kyselyIdentityStore(kysely, dialect, { chain })
  const audit = kyselyAuditStore(kysely, dialect, { chain })
  return [
    ...expiry,
    () => identity.sweep(before(KEY_DAYS)),
    async () => {
      for (let batch = 0; batch < AUDIT_BATCHES; batch += 1) {
        if ((await audit.sweep(before(AUDIT_DAYS), AUDIT_BATCH)) < AUDIT_BATCH) return
      }
    },
  ]
}
