import { connect, createServer } from 'node:net'

/**
 * A TCP port of 127.0.0.1 that was free a moment ago.
 * Somebody else may take it before you do: prefer port 0 where a server can report its own.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  if (address === null || typeof address === 'string') throw new TypeError('test-kit: the probe socket has no port')
  return address.port
}

/**
 * Whether nobody takes connections at the address of a URL. The system takes them for a killed process until that is taken
 * apart, which may be a little after its parent has heard of its end.
 */
export function refusesConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}
