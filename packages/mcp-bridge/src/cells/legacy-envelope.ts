import type { ClientSession } from '../client-session.js'
import { META, MODERN_VERSION } from '../versions.js'

/** The request envelope of a legacy client. */
export function envelopeOf(session: ClientSession): Record<string, unknown> {
  return {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: session.hello.capabilities,
    [META.clientInfo]: session.hello.clientInfo,
    ...(session.logLevel === undefined ? {} : { [META.logLevel]: session.logLevel }),
  }
}
