import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type RefusedBecause, UpstreamAddressRefusedError } from '../errors.js'

/** Which addresses a connection may go to. Public unicast always; everything else must be named. */
export interface AddressPolicy {
  /** 127.0.0.0/8 and ::1. @default false */
  readonly allowLoopback?: boolean | undefined
  /** Ranges such as `10.0.0.0/8` or `fd00::/8`, in CIDR notation. Metadata addresses stay refused inside them. */
  readonly allowPrivateCidrs?: readonly string[] | undefined
  /** Asks for all addresses of a name. @default the system's resolver */
  readonly resolve?: ResolveName | undefined
}

/** Finds all addresses of a name; `all` is always set. */
export type ResolveName = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

// Cloud metadata: AWS, GCP and others; AWS for containers (ECS, EKS) and over IPv6; GCP over IPv6; Oracle; Azure's wire
// server, which is public unicast; Alibaba.
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  '192.0.0.192',
  '168.63.129.16',
  '100.100.100.200',
])
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
])

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * Keeps requests away from addresses that nobody named (server-side request forgery).
 * Checks every address a name resolves to and connects only to checked ones; checked anew for every connection.
 */
export class AddressGuard {
  readonly #allowLoopback: boolean
  readonly #ranges: readonly Range[]
  readonly #resolve: ResolveName

  /** @throws RangeError if a CIDR range is not one. */
  constructor(policy: AddressPolicy = {}) {
    this.#allowLoopback = policy.allowLoopback ?? false
    this.#ranges = (policy.allowPrivateCidrs ?? []).map(parseRange)
    this.#resolve = policy.resolve ?? dnsLookup
  }

  /** @throws UpstreamAddressRefusedError for another scheme than http(s), user info, or a literal or host that is refused. */
  checkUrl(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse('scheme', url.protocol)
    if (url.username !== '' || url.password !== '') refuse('userinfo', url.hostname)
    this.checkHost(hostOf(url))
  }

  /** Checks a host as it stands: a literal address, or a name (not what it resolves to). */
  checkHost(host: string): void {
    if (isIP(host) !== 0) {
      this.checkAddress(host)
      return
    }
    if (METADATA_HOSTS.has(host.toLowerCase().replace(/\.$/, ''))) refuse('metadata', host)
  }

  /** @throws UpstreamAddressRefusedError if the policy does not allow this address. */
  checkAddress(address: string): void {
    const reason = this.#reasonAgainst(address)
    if (reason !== undefined) refuse(reason, address)
  }

  /** For sockets: `dns.lookup` whose every answer is checked. One refused address refuses the name. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const failure = error ?? this.#refusalOf(addresses)
      const first = addresses?.[0]
      if (failure !== undefined || first === undefined) callback(failure ?? new Error('no address'), '', 0)
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }

  #refusalOf(addresses: readonly LookupAddress[]): UpstreamAddressRefusedError | undefined {
    for (const { address } of addresses) {
      const reason = this.#reasonAgainst(address)
      if (reason !== undefined) return new UpstreamAddressRefusedError({ reason, address })
    }
    return undefined
  }

  #reasonAgainst(address: string): RefusedBecause | undefined {
    const bare = address.split('%', 1)[0] ?? address
    if (!ipaddr.isValid(bare)) return 'host'
    // `process` unwraps IPv4 in IPv6, which reaches the same host.
    const parsed = ipaddr.process(bare)
    if (METADATA_ADDRESSES.has(parsed.toString()) || METADATA_ADDRESSES.has(carried(parsed))) return 'metadata'
    const range = parsed.range()
    if ((range === 'unicast' && isGlobal(parsed)) || this.#isNamed(parsed)) return undefined
    if (range === 'loopback') return this.#allowLoopback ? undefined : 'loopback'
    return range === 'private' || range === 'uniqueLocal' || range === 'carrierGradeNat' ? 'private' : 'not_unicast'
  }

  #isNamed(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
    return this.#ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
  }
}

// What is global in IPv6 is 2000::/3 (RFC 4291, 2.4). ipaddr.js calls unicast whatever it has no other name for, such as
// the IPv4-compatible ::127.0.0.1.
function isGlobal(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return !(address instanceof ipaddr.IPv6) || ((address.parts[0] ?? 0) & 0xe000) === 0x2000
}

/** The IPv4 address that an IPv6 one leads to by NAT64 (RFC 6052) or 6to4 (RFC 3056); empty for others. */
function carried(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (!(address instanceof ipaddr.IPv6)) return ''
  const range = address.range()
  if (range !== 'rfc6052' && range !== '6to4') return ''
  const [high = 0, low = 0] = range === '6to4' ? address.parts.slice(1, 3) : address.parts.slice(6, 8)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** The host of a URL without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

function refuse(reason: RefusedBecause, address: string): never {
  throw new UpstreamAddressRefusedError({ reason, address })
}

function parseRange(cidr: string): Range {
  if (!ipaddr.isValidCIDR(cidr)) throw new RangeError(`guard: allowPrivateCidrs: ${cidr} is not a CIDR range`)
  return ipaddr.parseCIDR(cidr)
}
