import { serverAuthConformance } from './auth-conformance.js'
import { findOracle } from './remote-servers.js'

await serverAuthConformance('Oracle', findOracle, (server) => server.makeBed())
