import type { MessageSink } from '@mcp-platform/mcp-upstream'
import { scanReply } from '@mcp-platform/mcp-upstream'
import { capabilityFor } from '../asking.js'
import type { ClientSession } from '../client-session.js'
import { asObject } from '../json-edit.js'
import { ProtocolError, RPC } from '../protocol-error.js'

/**
 * Sends one input request of a modern server to a legacy client, on the stream of the call that it belongs to, and
 * returns the client's result.
 * @throws ProtocolError -32021 for what the client never declared; -32600 when it does not answer in time; the client's
 * own error; the reason of the signal
 */
export async function askClient(
  session: ClientSession,
  request: unknown,
  sink: MessageSink,
  signal: AbortSignal,
): Promise<unknown> {
  const { method, params } = asObject(request) ?? {}
  if (typeof method !== 'string')
    throw new ProtocolError(RPC.invalidRequest, 200, 'the server asked for something without a method')
  const capability = capabilityFor(method)
  if (capability === undefined || !(capability in session.hello.capabilities)) {
    const data = { requiredCapabilities: { [capability ?? method]: {} } }
    throw new ProtocolError(
      RPC.missingCapability,
      200,
      `the server asks for ${method}, which this client does not offer`,
      data,
    )
  }
  const { idToken, answer } = session.ask(AbortSignal.any([signal, silence(session, method)]))
  const json = Buffer.from(
    `{"jsonrpc":"2.0","id":${idToken},"method":${JSON.stringify(method)},"params":${JSON.stringify(params ?? {})}}`,
  )
  await sink.message(json, scanReply(json))
  return resultOf(await answer)
}

/** Aborts when the client was given all the time that there is. */
function silence({ askMs }: ClientSession, method: string): AbortSignal {
  const abort = new AbortController()
  const error = new ProtocolError(
    RPC.invalidRequest,
    200,
    `the client did not answer ${method} within ${askMs / 1000} s`,
  )
  setTimeout(() => abort.abort(error), askMs).unref()
  return abort.signal
}

function resultOf(message: Buffer): unknown {
  const { result, error } = asObject(JSON.parse(message.toString())) ?? {}
  if (error === undefined) return result
  const { code, message: text } = asObject(error) ?? {}
  throw new ProtocolError(
    typeof code === 'number' ? code : RPC.invalidRequest,
    200,
    typeof text === 'string' ? text : 'the client refused',
    error,
  )
}
