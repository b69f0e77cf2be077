import type { ClientHello, ClientSession } from '../client-session.js'
import { metaText } from '../modern-meta.js'
import { META, MODERN_VERSION } from '../versions.js'

// What a client said in `initialize` does not change, so what it stands for is written once.
const silentEnvelopes = new WeakMap<ClientHello, string>()

/** The request envelope of a legacy client, as it stands in `_meta`. */
export function envelopeText(session: ClientSession): string {
  if (session.logLevel !== undefined) return metaText(envelopeOf(session))
  const known = silentEnvelopes.get(session.hello)
  if (known !== undefined) return known
  const text = metaText(envelopeOf(session))
  silentEnvelopes.set(session.hello, text)
  return text
}

/** The request envelope of a legacy client. */
export function envelopeOf(session: ClientSession): Record<string, unknown> {
  return {
    [META.protocolVersion]: MODERN_VERSION,
    [META.clientCapabilities]: session.hello.capabilities,
    [META.clientInfo]: session.hello.clientInfo,
    ...(session.logLevel === undefined ? {} : { [META.logLevel]: session.logLevel }),
  }
}
