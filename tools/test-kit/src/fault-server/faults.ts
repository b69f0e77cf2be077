/**
 * What goes wrong with one request. Unless said otherwise the tool runs first, as it would in a server whose answer is lost:
 * that is what makes a retry dangerous. `executes` overrides it.
 */
export type Fault = FaultKind & {
  /** Whether a `tools/call` is executed (and counted) before the fault shows. */
  readonly executes?: boolean | undefined
}

type FaultKind =
  /** A proper answer. */
  | { readonly kind: 'none' }
  /** A proper answer after `ms`. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** RST once the request was read. */
  | { readonly kind: 'reset' }
  /** FIN without an answer. */
  | { readonly kind: 'fin' }
  /** No answer, the connection stays open. */
  | { readonly kind: 'silence' }
  /** This status and nothing of MCP. Executes only for 500, 502 and 504. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly headers?: Readonly<Record<string, string>> | undefined
      readonly body?: string | undefined
    }
  /** 500 for this share of the requests, by the server's seeded random; a proper answer for the others. */
  | { readonly kind: 'sometimes-500'; readonly ratio: number }
  /** Bytes that are no HTTP. */
  | { readonly kind: 'garbage' }
  /** 200 application/json with broken JSON. */
  | { readonly kind: 'bad-json' }
  /** 200 text/html, as a captive portal answers. */
  | { readonly kind: 'html' }
  /** 200 with an empty body. */
  | { readonly kind: 'empty' }
  /** A proper answer under an id that nobody asked for. */
  | { readonly kind: 'wrong-id' }
  /** Half of the JSON body under a full Content-Length, then FIN. */
  | { readonly kind: 'truncated-body' }
  /** An event stream that ends in the middle of the event with the answer. */
  | { readonly kind: 'truncated-sse' }
  /** An event stream that opens, sends one comment, and then nothing. */
  | { readonly kind: 'stalled-sse' }
  /** A proper answer whose head comes byte by byte. */
  | { readonly kind: 'slow-headers'; readonly byteDelayMs: number }
  /** A proper answer whose body comes in slices. */
  | { readonly kind: 'slow-body'; readonly sliceBytes: number; readonly sliceDelayMs: number }
  /** A proper result with one text of this many bytes. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** A proper answer with Content-Encoding: gzip, asked for or not. */
  | { readonly kind: 'gzip' }
  /** A JSON-RPC error. Does not execute. */
  | {
      readonly kind: 'rpc-error'
      readonly code: number
      readonly message: string
      readonly data?: unknown
      /** @default 200 */
      readonly status?: number | undefined
    }

/** The usual faults by name. */
export const faults = {
  serverError: (): Fault => ({ kind: 'status', status: 500, body: 'Internal Server Error' }),
  unavailable: (retryAfterSeconds = 1): Fault => refusal(503, { 'retry-after': String(retryAfterSeconds) }),
  tooMany: (retryAfterSeconds = 1): Fault => refusal(429, { 'retry-after': String(retryAfterSeconds) }),
  unauthorized: (): Fault => refusal(401, { 'www-authenticate': 'Bearer' }),
  redirect: (location: string): Fault => refusal(302, { location }),
} as const

function refusal(status: number, headers: Readonly<Record<string, string>>): Fault {
  return { kind: 'status', status, headers }
}

const EXECUTING_STATUSES: ReadonlySet<number> = new Set([500, 502, 504])

/** Whether a tool has run when this fault shows. */
export function faultExecutes(fault: Fault): boolean {
  if (fault.executes !== undefined) return fault.executes
  if (fault.kind === 'rpc-error') return false
  return fault.kind !== 'status' || EXECUTING_STATUSES.has(fault.status)
}
