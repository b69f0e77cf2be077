import { startMariadb } from '@mcp-platform/test-kit/databases'
import { serverAuthConformance } from './auth-conformance.js'
import { mariadb } from './support.js'

await serverAuthConformance('MariaDB', startMariadb, mariadb)
