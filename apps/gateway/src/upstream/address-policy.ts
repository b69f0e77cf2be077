import type { AddressPolicy } from '@mcp-platform/mcp-upstream'
import type { Settings } from '../config/settings.js'
import { isLoopback } from '../http/addresses.js'

/** Which addresses servers may have: public ones always, this machine on a loopback bind, private ranges by name. */
export function addressPolicy(settings: Settings): AddressPolicy {
  return { allowLoopback: isLoopback(settings.host), allowPrivateCidrs: settings.allowedUpstream }
}
