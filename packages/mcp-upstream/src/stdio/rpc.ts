import { UpstreamBadAnswerError } from '../errors.js'
import { scanEnvelope } from '../scan/scan-envelope.js'
import type { UpstreamMessage } from '../upstream.js'
import type { Channel } from './channel.js'
import type { ChannelOwner } from './multiplexer.js'

/** What a server answered to a request of our own. */
export type RpcAnswer =
  | { readonly kind: 'result'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly kind: 'error'; readonly code: number; readonly data: unknown }

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

/** Sends a request of our own and waits for its answer, until `signal` aborts. Does not count as use of the child. */
export async function call(
  channel: Channel,
  method: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<RpcAnswer> {
  if (channel.end !== undefined) throw channel.exitError(false)
  const limits = { connectMs: 0, idleMs: 0x7fff_ffff, maxAnswerBytes: MAX_BYTES }
  const message = messageOf({ id: 0, method, params })
  const reply = await channel.multiplexer.request(GATEWAY, message, { signal, limits }).reply
  if (reply.kind !== 'complete') throw new UpstreamBadAnswerError({ detail: `no plain answer to ${method}` })
  return answerOf(JSON.parse(reply.json.toString('utf8')), method)
}

/** Sends a notification of our own. */
export function notify(channel: Channel, method: string): Promise<void> {
  return channel.multiplexer.post(GATEWAY, messageOf({ method }))
}

function messageOf(members: Readonly<Record<string, unknown>>): UpstreamMessage {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...members }))
  return { body, envelope: scanEnvelope(body) }
}

function answerOf(message: unknown, method: string): RpcAnswer {
  if (isObject(message)) {
    const { result, error } = message
    if (isObject(result)) return { kind: 'result', result }
    if (isObject(error)) return { kind: 'error', code: Number(error['code']), data: error['data'] }
  }
  throw new UpstreamBadAnswerError({ detail: `the answer to ${method} is no object` })
}

/** Whether a value of JSON is an object, and no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
