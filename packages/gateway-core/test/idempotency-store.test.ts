import { describe, expect, it } from '@jest/globals'
import { idempotencyStoreConformance, MemoryIdempotencyStore } from '../src/testing.js'

idempotencyStoreConformance({ describe, it, expect }, async () => ({ store: new MemoryIdempotencyStore() }))
