export {
  type CircuitStoreFixture,
  type ConformanceKit,
  circuitStoreConformance,
} from './testing/circuit-store-conformance.js'
export { ManualScheduler } from './testing/manual-scheduler.js'
export { MemoryCircuitStore } from './testing/memory-circuit-store.js'
