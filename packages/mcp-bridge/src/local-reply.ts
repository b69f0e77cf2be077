import type { UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import { scanReply } from '@mcp-platform/mcp-upstream'

/** An answer that is whole. */
export type CompleteReply = UpstreamReply & { readonly kind: 'complete' }

/** An answer that the bridge gives itself, to the id of the request. */
export function localResult(message: UpstreamMessage, result: unknown): CompleteReply {
  return complete(Buffer.from(`{"jsonrpc":"2.0","id":${idToken(message)},"result":${JSON.stringify(result)}}`), 200)
}

/** An error that the bridge answers itself, with the HTTP status that goes with it. */
export function localError(
  message: UpstreamMessage,
  error: { code: number; message: string; data?: unknown },
  status: number,
): CompleteReply {
  return complete(Buffer.from(`{"jsonrpc":"2.0","id":${idToken(message)},"error":${JSON.stringify(error)}}`), status)
}

/** The raw token of a message's id, as it stood in the message. */
export function idToken({ body, envelope }: UpstreamMessage): string {
  return envelope.id ? body.toString('utf8', envelope.id.start, envelope.id.end) : 'null'
}

function complete(json: Buffer, status: number): CompleteReply {
  return { kind: 'complete', json, envelope: scanReply(json), status }
}
