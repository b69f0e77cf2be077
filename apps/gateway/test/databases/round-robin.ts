import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type Stoppable, stoppable } from '@mcp-platform/test-kit'

/** Sends each new connection to the next of several gateways, as a load balancer without affinity does. */
export interface RoundRobin extends Stoppable {
  readonly url: string
  /** Connections so far, per gateway. */
  readonly connections: readonly number[]
  /** Leaves out one that does not take connections any more. */
  leaveOut(url: string): void
}

/** Starts it on a free port. */
export async function startRoundRobin(urls: readonly string[]): Promise<RoundRobin> {
  const targets = urls.map((url, index) => ({ url, index, port: Number(new URL(url).port) }))
  const connections = targets.map(() => 0)
  let at = 0
  const server = createServer((client) => {
    const target = targets[at % targets.length]
    at += 1
    if (target === undefined) return void client.destroy()
    connections[target.index] = (connections[target.index] ?? 0) + 1
    const upstream = connect(target.port, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    open.add(client)
    client.on('close', () => open.delete(client))
  })
  const open = new Set<{ destroy(): unknown }>()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    connections,
    leaveOut: (url) => {
      const index = targets.findIndex((target) => target.url === url)
      if (index >= 0) targets.splice(index, 1)
    },
    ...stoppable(stop),
  }
}
