import type { Connection, Upstream, UpstreamError } from '@mcp-platform/mcp-upstream'

/** Stands in for an instance that must not be started or reached; everything it is asked fails with the reason. */
export function refusedConnection(error: UpstreamError): Connection {
  const refuse = (): Promise<never> => Promise.reject(error)
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
