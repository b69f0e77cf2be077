export {
  type ConformanceKit,
  type IdempotencyStoreFixture,
  idempotencyStoreConformance,
} from './testing/idempotency-store-conformance.js'
export { MemoryIdempotencyStore } from './testing/memory-idempotency-store.js'
export { MemoryUnitOfWork } from './testing/memory-unit-of-work.js'
export {
  type RefusingFixture,
  refusedUnitConformance,
  type UnitOfWorkFixture,
  unitOfWorkConformance,
} from './testing/unit-of-work-conformance.js'
