import { BlockList, isIP } from 'node:net'

/** True for a name or address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = bare(host)
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}

/** True for a bind that answers on every interface. */
export function isWildcard(host: string): boolean {
  const name = bare(host)
  return name === '0.0.0.0' || name === '::'
}

/** A host as it stands in a URL: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host
}

/** Ranges (`10.0.0.0/8`) as a list to ask. */
export function rangeList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits = ''] = range.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/**
 * Who is calling: the peer, or (where the peer is a trusted proxy) the last address of `X-Forwarded-For` that is not
 * a trusted proxy itself. Anything left of that was written by strangers.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = plainAddress(peer ?? '')
  const hops = forwardedFor === undefined ? [] : forwardedFor.split(',').map((hop) => plainAddress(hop.trim()))
  while (contains(trusted, address)) {
    const hop = hops.pop()
    if (hop === undefined || isIP(hop) === 0) return address
    address = hop
  }
  return address
}

function contains(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

// Dual-stack sockets show IPv4 peers as ::ffff:10.0.0.1.
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
