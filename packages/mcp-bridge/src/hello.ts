import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { ClientHello } from './client-session.js'
import { asObject, objectAt } from './json-edit.js'
import { ProtocolError, RPC } from './protocol-error.js'

/** What a client says in the params of `initialize`. @throws ProtocolError naming what is missing */
export function readHello(message: UpstreamMessage): ClientHello {
  const params = objectAt(message.body, message.envelope.params) ?? {}
  const { protocolVersion } = params
  if (typeof protocolVersion !== 'string') {
    throw new ProtocolError(RPC.invalidParams, 400, 'initialize needs params.protocolVersion, a string')
  }
  return {
    protocolVersion,
    capabilities: asObject(params['capabilities']) ?? {},
    clientInfo: asObject(params['clientInfo']) ?? {},
  }
}
