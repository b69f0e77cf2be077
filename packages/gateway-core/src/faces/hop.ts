import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import { retryClass } from '../methods.js'
import { adopt } from './adoption.js'
import type { NativeExchange } from './native-exchange.js'

/**
 * Sends a message to the process that its session or parked call lives in. False: it is to be served here. By then a
 * session whose home is gone has been taken over where that is possible; else it is unknown, so that its client starts anew.
 */
export async function servedElsewhere(
  exchange: NativeExchange,
  known: { readonly body?: Buffer; readonly message?: UpstreamMessage } = {},
): Promise<boolean> {
  const { homes } = exchange.context
  const place = homes.find(exchange.header('mcp-session-id'), known.message?.envelope.requestState)
  if (place === undefined) return false
  const { request, response, requestId } = exchange
  const { home, key, isAdoptable, session } = place
  // A GET opens a stream, and a message without a method, or more than one of them, may be anything.
  const isSafe = request.method === 'GET' || retryClass(known.message?.envelope.method) === 'safe'
  const sent = await homes.hop?.(home, { request, response, requestId, body: known.body, key, isAdoptable, isSafe })
  if (sent === true) return true
  if (session !== undefined && isAdoptable && homes.adopts) await adopt(exchange, session)
  return false
}
