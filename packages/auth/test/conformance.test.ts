import { describe, expect, it } from '@jest/globals'
import {
  AuditChain,
  MasterKey,
  MasterKeyRing,
  MemoryAuditStore,
  MemoryIdentityStore,
  MemoryKeyCheckStore,
  MemoryRefreshTokenStore,
  MemorySigningKeyStore,
} from '../src/index.js'
import {
  auditStoreConformance,
  identityStoreConformance,
  keyCheckStoreConformance,
  refreshTokenStoreConformance,
  signingKeyStoreConformance,
} from '../src/testing.js'

const kit = { describe, it, expect }
const chain = () => new AuditChain({ node: 'n1', keys: new MasterKeyRing(MasterKey.generate()).derive('audit-chain') })

identityStoreConformance(kit, async () => {
  const audit = new MemoryAuditStore(chain())
  return { store: new MemoryIdentityStore(audit), audit: () => audit.query({ limit: 100 }) }
})
refreshTokenStoreConformance(kit, async () => ({ store: new MemoryRefreshTokenStore() }))
signingKeyStoreConformance(kit, async () => ({ store: new MemorySigningKeyStore() }))
keyCheckStoreConformance(kit, async () => ({ store: new MemoryKeyCheckStore() }))
auditStoreConformance(kit, async () => {
  const own = chain()
  return { store: new MemoryAuditStore(own), chain: own }
})
