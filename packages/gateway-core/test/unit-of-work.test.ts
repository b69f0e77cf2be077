import { describe, expect, it } from '@jest/globals'
import { AuditChain, MasterKey, MasterKeyRing, MemoryAuditStore, MemoryIdentityStore } from '@mcp-platform/auth'
import { MemoryRegistryStore } from '@mcp-platform/core-registry'
import { MemoryUnitOfWork, unitOfWorkConformance } from '../src/testing.js'

unitOfWorkConformance({ describe, it, expect }, async () => {
  const keys = new MasterKeyRing(MasterKey.generate()).derive('audit-chain')
  const [registry, identity] = [
    new MemoryRegistryStore(),
    new MemoryIdentityStore(new MemoryAuditStore(new AuditChain({ node: 'n1', keys }))),
  ]
  return { unit: new MemoryUnitOfWork(registry, identity), registry, identity }
})
