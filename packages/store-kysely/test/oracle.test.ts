import { serverConformance } from './conformance.js'
import { findOracle } from './remote-servers.js'

await serverConformance('Oracle', findOracle, (server) => server.makeBed())
