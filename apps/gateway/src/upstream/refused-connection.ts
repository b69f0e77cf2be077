import { type Connection, type Upstream, UpstreamSpawnFailedError } from '@mcp-platform/mcp-upstream'

/** Stands in for an instance that must not be started; everything it is asked fails with the reason. */
export function refusedConnection(reason: string): Connection {
  const refuse = (): Promise<never> => Promise.reject(new UpstreamSpawnFailedError({ reason }))
  const modern: Upstream = { era: 'modern', exchange: refuse }
  return {
    identity: undefined,
    identify: refuse,
    forget: () => undefined,
    modern,
    openSession: refuse,
    leaseSession: refuse,
    close: () => Promise.resolve(),
  }
}
