// Addresses where clouds hand out credentials to whoever asks. Sources: the providers' own documentation.
const ADDRESSES = new Set([
  '168.63.129.16', // Azure wire server
  '100.100.100.200', // Alibaba Cloud
  '192.0.0.192', // Oracle Cloud (classic)
])
const ADDRESSES_V6 = new Set([
  'fd00:ec2:0:0:0:0:0:254', // AWS
  'fd20:ce:0:0:0:0:0:254', // Google Cloud
  'fd00:42:0:0:0:0:0:42', // Scaleway
])
const NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'instance-data',
  'instance-data.ec2.internal',
])

/**
 * True when a host is a cloud's metadata service: by name, by IPv4 (all of link-local 169.254.0.0/16),
 * by IPv6, or by an IPv4 inside an IPv6 (mapped, compatible, NAT64, 6to4, Teredo).
 * Takes the `hostname` of a WHATWG URL, which has undone decimal, octal, hexadecimal and full-width spellings,
 * or a resolved address; a name that only resolves there must be caught when it is resolved.
 */
export function isMetadataHost(hostname: string): boolean {
  const host = hostname
    .toLowerCase()
    .replace(/\.+$/, '')
    .replace(/^\[|\]$/g, '')
  if (NAMES.has(host)) return true
  if (!host.includes(':')) return isMetadataIPv4(host)
  const groups = expandIPv6(host)
  if (groups === undefined) return false
  if (ADDRESSES_V6.has(groups.map((group) => group.toString(16)).join(':'))) return true
  return embeddedIPv4(groups).some(isMetadataIPv4)
}

function isMetadataIPv4(address: string): boolean {
  return ADDRESSES.has(address) || /^169\.254\.\d{1,3}\.\d{1,3}$/.test(address)
}

/** The eight groups of an IPv6 address in any spelling, `::ffff:1.2.3.4` included; undefined when it is none. */
function expandIPv6(text: string): number[] | undefined {
  const [address = ''] = text.split('%')
  const [head = '', tail, ...more] = withoutDottedQuad(address).split('::')
  if (more.length > 0) return undefined
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - front.length - back.length
  if (missing < 0) return undefined
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back]
  if (groups.length !== 8 || !groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined
  return groups.map((group) => Number.parseInt(group, 16))
}

function withoutDottedQuad(address: string): string {
  return address.replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/, (_, a, b, c, d) => {
    const high = Number(a) * 256 + Number(b)
    const low = Number(c) * 256 + Number(d)
    return `${high.toString(16)}:${low.toString(16)}`
  })
}

function embeddedIPv4(groups: readonly number[]): string[] {
  const [a = 0, b = 0, c = 0, , , , g = 0, h = 0] = groups
  if (a === 0x2002) return [dotted(b, c)]
  if (a === 0x2001 && b === 0) return [dotted(g ^ 0xffff, h ^ 0xffff)]
  return holdsIPv4AtTheEnd(groups) ? [dotted(g, h)] : []
}

/** ::/96 compatible, ::ffff:0:0/96 mapped, ::ffff:0:0:0/96 translated, 64:ff9b::/96 and 64:ff9b:1::/48 NAT64. */
function holdsIPv4AtTheEnd([a, b, c = 0, d, e = 0, f = 0]: readonly number[]): boolean {
  if (a === 0x64 && b === 0xff9b) return c <= 1
  const zeroes = a === 0 && b === 0 && c === 0 && d === 0
  return zeroes && (e === 0 || e === 0xffff) && (f === 0 || f === 0xffff)
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
