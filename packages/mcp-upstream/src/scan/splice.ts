import type { Envelope, ReplyEnvelope, Span } from '../envelope.js'

/** Replaces the bytes of `span` by `bytes`. */
export interface Edit {
  readonly span: Span
  readonly bytes: Uint8Array
}

/** A copy of `body` with the bytes of one span replaced. */
export function replaceSpan(body: Buffer, span: Span, bytes: Uint8Array): Buffer {
  const tail = span.start + bytes.length
  const spliced = Buffer.allocUnsafe(body.length - (span.end - span.start) + bytes.length)
  spliced.set(body.subarray(0, span.start), 0)
  spliced.set(bytes, span.start)
  spliced.set(body.subarray(span.end), tail)
  return spliced
}

/** A copy of `body` with another id. `idBytes` is the raw token, quotes included. @throws TypeError if it has no id. */
export function withId(body: Buffer, envelope: Envelope | ReplyEnvelope, idBytes: Uint8Array): Buffer {
  if (envelope.id === undefined) throw new TypeError('splice: the message has no id')
  return replaceSpan(body, envelope.id, idBytes)
}

/**
 * A copy of `body` with several spans replaced, given in any order. An empty span inserts.
 * @throws RangeError if spans overlap or lie outside.
 */
export function spliceMany(body: Buffer, edits: readonly Edit[]): Buffer {
  const parts: Uint8Array[] = []
  let at = 0
  for (const edit of inOrder(edits)) {
    if (edit.span.start < at || edit.span.end < edit.span.start || edit.span.end > body.length) {
      throw new RangeError('splice: spans overlap or lie outside the message')
    }
    parts.push(body.subarray(at, edit.span.start), edit.bytes)
    at = edit.span.end
  }
  parts.push(body.subarray(at))
  return Buffer.concat(parts)
}

/** Where `span` lies after the edits. It may contain edited spans or equal one, not lie inside one. */
export function shiftSpan(span: Span, edits: readonly Edit[]): Span {
  let start = span.start
  let end = span.end
  for (const edit of edits) {
    const growth = edit.bytes.length - (edit.span.end - edit.span.start)
    if (edit.span.end <= span.start) start += growth
    if (edit.span.end <= span.end) end += growth
  }
  return { start, end }
}

/** The envelope of a reply after the edits. */
export function shiftReply(envelope: ReplyEnvelope, edits: readonly Edit[]): ReplyEnvelope {
  return {
    kind: envelope.kind,
    id: shiftKnown(envelope.id, edits),
    method: envelope.method,
    params: shiftKnown(envelope.params, edits),
    result: shiftKnown(envelope.result, edits),
    error: shiftKnown(envelope.error, edits),
    progressToken: shiftKnown(envelope.progressToken, edits),
  }
}

function shiftKnown(span: Span | undefined, edits: readonly Edit[]): Span | undefined {
  return span === undefined ? undefined : shiftSpan(span, edits)
}

function inOrder(edits: readonly Edit[]): readonly Edit[] {
  return edits.length < 2 ? edits : edits.toSorted((one, other) => one.span.start - other.span.start)
}
