import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A small HTTP server in this process that stands for one replica of a service. */
export interface Replica {
  readonly id: string
  readonly url: string
  /** Ends it as a crash would: connections are cut, nobody listens any more. */
  kill(): Promise<void>
}

/** Starts a replica on a free port; `/healthz` says ok, `/query` says who answered. */
export async function startReplica(id: string): Promise<Replica> {
  const server = createServer((request, response) => response.end(request.url === '/healthz' ? 'ok' : id))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    id,
    url: `http://127.0.0.1:${port}`,
    async kill() {
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
