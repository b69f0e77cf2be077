import type { McpServerFactory } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio as serveBothEras } from '@modelcontextprotocol/server/stdio'
import { Changes } from './changes.js'
import type { Era } from './http.js'
import { createDualEraServer, type Shared, stateCodec, tellListeners } from './server.js'

/** Serves the standard streams in the eras asked for; resolves when it listens. Ends when stdin does. */
export async function serveStdio({ era, stateKey }: { era: Era; stateKey?: string | undefined }): Promise<void> {
  const shared = { changes: new Changes(), codec: stateCodec(stateKey) }
  if (era === 'legacy') {
    await createDualEraServer(shared, 'legacy').connect(new StdioServerTransport())
    return
  }
  serveBothEras(pinnedFactory(shared), { legacy: era === 'modern' ? 'reject' : 'serve' })
}

/** On a pipe one instance serves the whole connection, so it is the one that tells of changes in either era. */
function pinnedFactory(shared: Shared): McpServerFactory {
  return ({ era }) => {
    const server = createDualEraServer(shared, era)
    if (era === 'modern') server.server.onclose = shared.changes.subscribe((change) => tellListeners(server, change))
    return server
  }
}
