/** Half-open byte range `[start, end)` of one JSON value inside a message. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What the scanner found in a message from a client. Strings are decoded; spans point into the scanned bytes. */
export interface Envelope {
  readonly kind: 'request' | 'notification' | 'response'
  /** The raw token, quotes included: `7` or `"abc"`. */
  readonly id: Span | undefined
  readonly method: string | undefined
  readonly params: Span | undefined
  /** `params.name`, if it is a string. */
  readonly name: string | undefined
  readonly nameSpan: Span | undefined
  readonly uri: string | undefined
  readonly uriSpan: Span | undefined
  readonly taskId: string | undefined
  readonly taskIdSpan: Span | undefined
  readonly cursor: string | undefined
  readonly cursorSpan: Span | undefined
  readonly requestState: string | undefined
  readonly requestStateSpan: Span | undefined
  /** `params.inputResponses` is present. */
  readonly hasInputResponses: boolean
  readonly arguments: Span | undefined
  /** `params._meta`. */
  readonly meta: Span | undefined
  /** `params._meta["io.modelcontextprotocol/protocolVersion"]`; its presence makes the message modern. */
  readonly protocolVersion: string | undefined
  /** `params._meta.progressToken`, raw. */
  readonly progressToken: Span | undefined
  /** Only in a response. */
  readonly result: Span | undefined
  readonly error: Span | undefined
}

/** What the scanner found in a message from a server. */
export interface ReplyEnvelope {
  readonly kind: 'response' | 'request' | 'notification'
  readonly id: Span | undefined
  readonly method: string | undefined
  readonly params: Span | undefined
  readonly result: Span | undefined
  readonly error: Span | undefined
  /** `params.progressToken` of `notifications/progress`, raw. */
  readonly progressToken: Span | undefined
}
