export {
  type ConformanceKit,
  type IdempotencyStoreFixture,
  idempotencyStoreConformance,
} from './testing/idempotency-store-conformance.js'
export { MemoryIdempotencyStore } from './testing/memory-idempotency-store.js'
