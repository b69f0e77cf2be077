import { startMariadb } from '@mcp-platform/test-kit/databases'
import { serverConformance } from './conformance.js'
import { mariadb } from './support.js'

await serverConformance('MariaDB', startMariadb, mariadb)
