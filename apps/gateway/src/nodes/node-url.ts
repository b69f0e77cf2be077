import { networkInterfaces } from 'node:os'
import { isWildcard, urlHost } from '../http/addresses.js'

type Interfaces = ReturnType<typeof networkInterfaces>

/**
 * Where other nodes reach this one: what the operator says, else where it listens; instead of a wildcard, the first address
 * of this machine that is not its own alone.
 */
export function nodeUrlOf(
  { nodeUrl, host }: { readonly nodeUrl: string | undefined; readonly host: string },
  listening: string,
  interfaces: Interfaces = networkInterfaces(),
): string {
  if (nodeUrl !== undefined) return nodeUrl
  if (!isWildcard(host)) return listening
  const address = firstOutside(interfaces)
  if (address === undefined) return listening
  const url = new URL(listening)
  url.host = `${urlHost(address)}:${url.port}`
  return url.origin
}

function firstOutside(interfaces: Interfaces): string | undefined {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return (outside.find(({ family }) => family === 'IPv4') ?? outside[0])?.address
}
