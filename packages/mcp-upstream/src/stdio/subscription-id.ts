import type { ReplyEnvelope, Span } from '../envelope.js'

// Between unescaped quotes: inside a string the closing quote of the key would be preceded by a backslash.
const SUBSCRIPTION = /"io\.modelcontextprotocol\/subscriptionId"\s*:\s*("[^"\\]*"|\d+)/

/**
 * Where a notification names the `subscriptions/listen` request that it belongs to (2026-07-28, stdio: all listen
 * streams share one channel and are told apart by this id alone).
 */
export function subscriptionIdSpan(json: Buffer, envelope: ReplyEnvelope): Span | undefined {
  if (envelope.params === undefined) return undefined
  // latin1 keeps one character per byte, so that positions in the text are positions in the bytes.
  const text = json.toString('latin1', envelope.params.start, envelope.params.end)
  const found = SUBSCRIPTION.exec(text)
  if (!found?.[1]) return undefined
  const start = envelope.params.start + found.index + found[0].length - found[1].length
  return { start, end: start + found[1].length }
}
