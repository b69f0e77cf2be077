import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A set of networks, parsed once. */
export interface AddressSet {
  /** False for what is no address. An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
  has(address: string | undefined): boolean
}

/** The networks of a list in CIDR notation; a single address is a network of one. @throws RangeError */
export function addressSet(cidrs: readonly string[]): AddressSet {
  const networks = cidrs.map(parseNetwork)
  return { has: (address) => address !== undefined && isWithin(address, networks) }
}

/** True for `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. */
export function isCidr(text: string): boolean {
  try {
    parseNetwork(text)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 address. Other texts stay as they are. */
export function addressBucket(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${parsed.toByteArray().slice(0, 8).join('.')}/64`
}

function parseNetwork(text: string): readonly [Address, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!ipaddr.isValid(text)) throw new RangeError(`auth: not an address or CIDR: ${JSON.stringify(text)}`)
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function isWithin(text: string, networks: readonly (readonly [Address, number])[]): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}
