import { serverAuthConformance } from './auth-conformance.js'
import { findMssql } from './remote-servers.js'

await serverAuthConformance('SQL Server', findMssql, (server) => server.makeBed())
