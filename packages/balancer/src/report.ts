/**
 * How a call ended.
 * - `success`: the endpoint answered; an error that the caller caused is an answer.
 * - `failure`: the endpoint is to blame.
 * - `overloaded`: it refused for load (429, 503). Makes it dearer for a while, does not count as a failure.
 * - `cancelled`: the caller went away. Teaches nothing.
 */
export type Outcome = 'success' | 'failure' | 'overloaded' | 'cancelled'

/** What a lease is released with. An object with further members may be given: `Fitness.observe` gets it untouched. */
export interface Report {
  readonly outcome: Outcome
  /** Time to the answer in milliseconds. Absent: latency is not learned (streams, long polls). */
  readonly latencyMs?: number | undefined
  /** What was asked, for example method and tool. Latencies are compared within a kind only. @default '' */
  readonly kind?: string | undefined
  /** How long the endpoint asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}
