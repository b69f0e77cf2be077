import type { IncomingMessage } from 'node:http'
import type { Settings } from '../config/settings.js'
import { clientAddress, rangeList } from './addresses.js'
import { peerOf } from './peer.js'

/** Says where a request comes from, through trusted proxies. */
export type AddressOf = (request: IncomingMessage) => string

/** The reader of addresses for these settings. Without trusted proxies it costs a property. */
export function addressReader(settings: Pick<Settings, 'trustedProxy'>): AddressOf {
  const trusted = rangeList(settings.trustedProxy)
  if (settings.trustedProxy.length === 0) return (request) => plain(peerOf(request) ?? '')
  return (request) => clientAddress(peerOf(request), request.headers['x-forwarded-for']?.toString(), trusted)
}

// Dual-stack sockets show IPv4 peers as ::ffff:10.0.0.1.
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
