import type { Count, Integer } from './numbers.js'

/** One thing that is wrong with a body: where (`instance.weight`) and what. */
export interface FieldError {
  readonly path: string
  readonly message: string
}

/** The JSON-RPC error of a server, as it came. */
export interface UpstreamErrorView {
  readonly code: Integer
  readonly message: string
  readonly data?: unknown
}

/** Whether a call that failed may have run: `no` is certain, `unknown` means do not repeat it blindly. */
export type Executed = 'no' | 'unknown'

/** Every error answer: `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: Count
  readonly detail: string
  /** One of `errorCodes`; text, because a newer gateway may have more. */
  readonly code: string
  readonly request_id: string
  readonly template?: string | undefined
  readonly instance_id?: string | undefined
  /** Who owns the instance that is in the way: `file:<path>`, `docker`, …. */
  readonly source?: string | undefined
  readonly retry_after_seconds?: number | undefined
  readonly executed?: Executed | undefined
  /** How many instances were tried. */
  readonly attempts?: Count | undefined
  /** Sending the same again later may succeed. */
  readonly retryable?: boolean | undefined
  readonly errors?: readonly FieldError[] | undefined
  readonly upstream?: UpstreamErrorView | undefined
}

/** Media type of a {@link Problem}. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json'
