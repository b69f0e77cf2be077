import { serverConformance } from './conformance.js'
import { findMssql } from './remote-servers.js'

await serverConformance('SQL Server', findMssql, (server) => server.makeBed())
