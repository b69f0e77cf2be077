import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'

/** An HTTP server for other processes of the same gateway. */
export interface LocalServer {
  /** Accepts nothing new; resolves when every connection has ended. */
  stop(): Promise<void>
  cut(): void
}

// The worker has checked head and times already, and keeps connections open for as long as both live.
const LIMITS = { maxHeaderSize: 65_536, headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 }

/** Serves HTTP on a Unix socket. The folder that it lies in says who may connect. */
export async function serveLocally(path: string, handle: RequestListener): Promise<LocalServer> {
  const server = createServer(LIMITS, handle)
  server.listen(path)
  await once(server, 'listening')
  return {
    stop: () => stop(server),
    cut: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeIdleConnections()
  return promise
}
