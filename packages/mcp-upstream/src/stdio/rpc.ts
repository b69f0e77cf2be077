import { ownNotification, type RpcAnswer, readAnswer } from '../own-requests.js'
import type { UpstreamMessage } from '../upstream.js'
import type { Channel } from './channel.js'
import type { ChannelOwner } from './multiplexer.js'

/** Longest answer to a request of our own, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024

/** We ask for ourselves: nobody is there to be told or asked anything. */
const GATEWAY: ChannelOwner = {
  isCaller: false,
  isListening: false,
  onNotification: () => false,
  onRequest: () => false,
  onSettled: () => undefined,
}

/** How long an answer may take. */
export interface CallBounds {
  readonly signal: AbortSignal
  /** In milliseconds; absent: the signal alone bounds it. */
  readonly firstByteMs?: number | undefined
}

/** Sends a request of our own and waits for its answer within the bounds. Does not count as use of the child. */
export async function call(channel: Channel, request: UpstreamMessage, bounds: CallBounds): Promise<RpcAnswer> {
  const { signal, firstByteMs } = bounds
  const limits = { connectMs: 0, firstByteMs, idleMs: 0x7fff_ffff, maxAnswerBytes: MAX_BYTES }
  return await readAnswer(await channel.multiplexer.request(GATEWAY, request, { signal, limits }).reply)
}

/** Sends a notification of our own. */
export function notify(channel: Channel, method: string): Promise<void> {
  return channel.multiplexer.post(GATEWAY, ownNotification(method))
}
