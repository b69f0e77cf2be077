export { type Availability, type Unavailable, unavailable } from './availability.js'
export { startMariadb } from './mariadb.js'
export { startPostgres } from './postgres.js'
export type { TestDatabase } from './test-database.js'
