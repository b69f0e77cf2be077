import { idToken, META } from '@mcp-platform/mcp-bridge'
import { type MessageSink, scanReply, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayReply } from '../call.js'
import { ShutdownError } from '../errors.js'

type StreamReply = GatewayReply & { readonly kind: 'stream' }

/**
 * A subscription that ends after `lifeMs`, or when the gateway stops, as the specification wants an end: with a result.
 * Its client subscribes again, perhaps somewhere else.
 */
export function endingGracefully(
  reply: GatewayReply,
  message: UpstreamMessage,
  { lifeMs, signal }: { readonly lifeMs: number; readonly signal: AbortSignal },
): GatewayReply {
  if (reply.kind !== 'stream') return reply
  return {
    kind: 'stream',
    pipe: (sink) => pipeFor(reply, message, lifeMs, signal, sink),
    cancel: (reason) => reply.cancel(reason),
  }
}

async function pipeFor(
  reply: StreamReply,
  message: UpstreamMessage,
  lifeMs: number,
  signal: AbortSignal,
  sink: MessageSink,
): Promise<void> {
  const over = Promise.withResolvers<true>()
  const timer = setTimeout(() => over.resolve(true), lifeMs).unref()
  const piped = reply.pipe(sink).then(
    () => false,
    (error: unknown) => {
      if (signal.reason instanceof ShutdownError) return true
      throw error
    },
  )
  try {
    if (!(await Promise.race([piped, over.promise]))) return
  } finally {
    clearTimeout(timer)
  }
  reply.cancel(new Error('the subscription has had its time'))
  // What it ends with now is our own doing.
  await piped.catch(() => undefined)
  const id = idToken(message)
  const json = Buffer.from(
    `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${META.subscriptionId}":${id}}}}`,
  )
  await sink.message(json, scanReply(json))
}
