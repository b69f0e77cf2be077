import { startPostgres } from '@mcp-platform/test-kit/databases'
import { serverConformance } from './conformance.js'
import { postgres } from './support.js'

await serverConformance('PostgreSQL', startPostgres, postgres)
