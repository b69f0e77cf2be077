import { describe, expect, it } from '@jest/globals'
import { kyselyRefreshTokenStore } from '@mcp-platform/store-kysely/auth'
import { kyselyIdempotencyStore } from '@mcp-platform/store-kysely/gateway'
import { expirySweeps } from '../../src/nodes/expiry-sweeps.js'
import { openStores } from '../../src/open-stores.js'

const NOW = Date.parse('2026-11-22T10:00:00.000Z')

describe('what one node sweeps for all', () => {
  it('is refresh tokens at their expiry, and none before', async () => {
    const stores = await openStores({ database: 'sqlite::memory:' })
    const tokens = kyselyRefreshTokenStore(stores.kysely, stores.dialect)
    const createdAt = new Date(NOW - 60_000)
    const token = { family: 'f', user: 'anna', epoch: 1, client: 'c', createdAt }
    await tokens.insert({ ...token, hash: 'over', expiresAt: new Date(NOW - 1) })
    await tokens.insert({ ...token, hash: 'good', expiresAt: new Date(NOW + 1) })
    for (const sweep of expirySweeps(stores, undefined, () => NOW)) await sweep()
    expect([await tokens.find('over'), (await tokens.find('good'))?.hash]).toEqual([undefined, 'good'])
    await stores.close()
  })

  it('is idempotency keys whose time is over', async () => {
    const stores = await openStores({ database: 'sqlite::memory:' })
    const keys = kyselyIdempotencyStore(stores.kysely, stores.dialect)
    const claim = { principal: 'p', template: 't', fingerprint: 'f', owner: 'o', claimMs: 1_000 }
    await keys.claim({ ...claim, key: 'over', keepMs: 0 })
    await keys.claim({ ...claim, key: 'good' })
    for (const sweep of expirySweeps(stores, undefined)) await sweep()
    expect(await stores.kysely.selectFrom('idempotency_keys').select('owner').execute()).toHaveLength(1)
    await stores.close()
  })
})
