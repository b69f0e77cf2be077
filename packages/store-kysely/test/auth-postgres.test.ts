import { startPostgres } from '@mcp-platform/test-kit/databases'
import { serverAuthConformance } from './auth-conformance.js'
import { postgres } from './support.js'

await serverAuthConformance('PostgreSQL', startPostgres, postgres)
