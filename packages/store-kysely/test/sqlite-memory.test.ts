import { storeConformance } from './conformance.js'
import { sqliteMemory } from './support.js'

storeConformance(sqliteMemory)
