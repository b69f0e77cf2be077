import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { NativeExchange } from './native-exchange.js'

/**
 * Sends a message to the process that its session or parked call lives in. False: it is to be served here, where a
 * session whose home is gone is unknown, so that its client starts anew.
 */
export async function servedElsewhere(
  exchange: NativeExchange,
  known: { readonly body?: Buffer; readonly message?: UpstreamMessage } = {},
): Promise<boolean> {
  const { homes } = exchange.context
  if (homes === undefined) return false
  const home = homes.elsewhere(exchange.header('mcp-session-id'), known.message?.envelope.requestState)
  if (home === undefined) return false
  const { request, response, requestId } = exchange
  return homes.hop(home, { request, response, requestId, body: known.body })
}
