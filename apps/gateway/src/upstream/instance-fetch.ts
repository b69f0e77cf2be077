import type { Instance } from '@mcp-platform/core-registry'
import { type AddressPolicy, UpstreamUntrustedError } from '@mcp-platform/mcp-upstream'
import { guardedFetch } from '../identity/guarded-fetch.js'

/**
 * How the health check of an instance asks over HTTP: with the instance's own certificates, and only where calls to it may
 * go too.
 */
export function instanceFetch(policy: AddressPolicy): (instance: Instance) => typeof globalThis.fetch {
  return ({ attach, untrusted }) => {
    const tls = attach.kind === 'http' ? attach.tls : undefined
    const guarded = guardedFetch(policy, tls)
    return async (input, { headers, signal } = {}) => {
      if (untrusted !== undefined) throw new UpstreamUntrustedError({ reason: untrusted })
      return guarded(input instanceof Request ? input.url : String(input), { headers, signal })
    }
  }
}
