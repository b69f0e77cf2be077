import { StdioServerTransport, serveStdio as serveBothEras } from '@modelcontextprotocol/server/stdio'
import { Changes } from './changes.js'
import type { Era } from './http.js'
import { createDualEraServer, serverFactory, stateCodec } from './server.js'

/** Serves the standard streams in the eras asked for; resolves when it listens. Ends when stdin does. */
export async function serveStdio({ era, stateKey }: { era: Era; stateKey?: string | undefined }): Promise<void> {
  const shared = { changes: new Changes(), codec: stateCodec(stateKey) }
  if (era === 'legacy') {
    await createDualEraServer(shared, 'legacy').connect(new StdioServerTransport())
    return
  }
  serveBothEras(serverFactory(shared), { legacy: era === 'modern' ? 'reject' : 'serve' })
}
