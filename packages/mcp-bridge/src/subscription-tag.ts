import { type ReplyEnvelope, replaceSpan, scanReply, type UpstreamReply } from '@mcp-platform/mcp-upstream'

type StreamReply = UpstreamReply & { readonly kind: 'stream' }

// Between unescaped quotes: inside a string the closing quote of the key would be preceded by a backslash.
const TAG = /"io\.modelcontextprotocol\/subscriptionId"\s*:\s*("[^"\\]*"|-?\d+)/

/**
 * Tags the messages of a listen stream with the id that the client gave its request: towards the server it had another.
 * `idToken` is raw.
 */
export function retagged(reply: StreamReply, idToken: string): StreamReply {
  return {
    kind: 'stream',
    pipe: (sink) =>
      reply.pipe({
        message(json, envelope) {
          const changed = retag(json, envelope, idToken)
          return sink.message(changed, changed === json ? envelope : scanReply(changed))
        },
      }),
    cancel: (reason) => reply.cancel(reason),
  }
}

function retag(json: Buffer, envelope: ReplyEnvelope, idToken: string): Buffer {
  const within = envelope.params ?? envelope.result
  if (!within) return json
  // latin1 keeps one character per byte, so that positions in the text are positions in the bytes.
  const found = TAG.exec(json.toString('latin1', within.start, within.end))
  if (!found?.[1] || found[1] === idToken) return json
  const start = within.start + found.index + found[0].length - found[1].length
  return replaceSpan(json, { start, end: start + found[1].length }, Buffer.from(idToken))
}
