import type { AuditChain } from '@mcp-platform/auth'
import { kyselyAuditStore, kyselyIdentityStore, kyselyRefreshTokenStore } from '@mcp-platform/store-kysely/auth'
import { kyselyIdempotencyStore } from '@mcp-platform/store-kysely/gateway'
import type { Stores } from '../open-stores.js'

const DAY_MS = 24 * 60 * 60 * 1_000
const AUDIT_DAYS = 90
/** Keys that are over are still shown for a while: somebody may wonder what became of theirs. */
const KEY_DAYS = 30
// Small batches: others wait for the same rows.
const BATCH = 500
const BATCHES = 20

/**
 * What is deleted when its time is over, besides the registry's: audit records after 90 days, tokens and idempotency keys at their
 * expiry, API keys 30 days after. Instants are compared to the minute at best, so that this machine's clock will do.
 */
export function expirySweeps(
  { kysely, dialect }: Pick<Stores, 'kysely' | 'dialect'>,
  chain: AuditChain | undefined,
  now: () => number = Date.now,
): (() => Promise<unknown>)[] {
  const before = (days: number): Date => new Date(now() - days * DAY_MS)
  const tokens = kyselyRefreshTokenStore(kysely, dialect)
  const idempotency = kyselyIdempotencyStore(kysely, dialect)
  const expiry = [() => tokens.sweep(before(0)), () => inBatches((limit) => idempotency.sweep(limit))]
  if (chain === undefined) return expiry
  const identity = kyselyIdentityStore(kysely, dialect, { chain })
  const audit = kyselyAuditStore(kysely, dialect, { chain })
  return [
    ...expiry,
    () => identity.sweep(before(KEY_DAYS)),
    () => inBatches((limit) => audit.sweep(before(AUDIT_DAYS), limit)),
  ]
}

async function inBatches(sweep: (limit: number) => Promise<number>): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch += 1) if ((await sweep(BATCH)) < BATCH) return
}
