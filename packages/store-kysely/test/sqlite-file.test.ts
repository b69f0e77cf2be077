import { storeConformance } from './conformance.js'
import { sqliteFile } from './support.js'

storeConformance(sqliteFile)
