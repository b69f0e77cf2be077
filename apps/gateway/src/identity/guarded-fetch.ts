import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import type { FetchFunction } from '@mcp-platform/auth'
import { AddressGuard, type AddressPolicy, type TlsOptions } from '@mcp-platform/mcp-upstream'

/**
 * A GET that goes only where servers may be too: the name is resolved, every address checked, and the connection made to
 * a checked one. Follows no redirect, keeps no connection, knows no proxy. `tls`: authority and client certificate.
 * It rejects with UpstreamAddressRefusedError for an address that the policy does not allow.
 */
export function guardedFetch(policy: AddressPolicy, tls: TlsOptions = {}): FetchFunction {
  const guard = new AddressGuard(policy)
  return async (url, { headers, signal }) => {
    const target = new URL(url)
    guard.checkUrl(target)
    const given = Object.fromEntries(new Headers(headers))
    const open = target.protocol === 'https:' ? httpsRequest : httpRequest
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const { lookup } = guard
    const request = open(target, { ...tls, headers: given, agent: false, lookup, signal: signal ?? undefined })
    request.once('response', resolve).once('error', reject).end()
    return toResponse(await promise)
  }
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

function toResponse(answer: IncomingMessage): Response {
  const { statusCode: status = 502 } = answer
  if (!WITHOUT_BODY.has(status)) return new Response(Readable.toWeb(answer), { status })
  answer.resume()
  return new Response(null, { status })
}
