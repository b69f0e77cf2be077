import { authConformance } from './auth-conformance.js'
import { sqliteFile } from './support.js'

authConformance(sqliteFile)
