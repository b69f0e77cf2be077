/** Something that can take a call. Bring your own fields (a URL, a connection): leases give the same object back. */
export interface Endpoint {
  /** Unique within a balancer, stable over time; rendezvous hashing depends on it. */
  readonly id: string
  /** Its part of new calls relative to the others: finite, >= 0. 0 = no new calls (pinned ones still come). @default 1 */
  readonly weight?: number | undefined
  /** Calls at the same time: an integer >= 1, or Infinity. @default the balancer's `maxInFlight` */
  readonly maxInFlight?: number | undefined
  /** Which incarnation of the id this is: when it changes, what was counted and learned about the id starts afresh. */
  readonly generation?: number | string | undefined
}

/**
 * What a policy knows about an endpoint it may choose. All of it is owned by the balancer and changes between picks;
 * the time-dependent figures are computed when read.
 */
export interface Candidate {
  readonly endpoint: Endpoint
  /** Place in the stable order: unique, and smaller for endpoints that joined earlier. */
  readonly ordinal: number
  /** 32 bits of the id, the same in every process. */
  readonly idHash: number
  /** Effective weight, > 0: the endpoint's weight times its share. */
  readonly weight: number
  /** 0..1, from `Fitness.share`: below 1 during slow start or while degraded. */
  readonly share: number
  /** Leases that are not released yet. */
  readonly inFlight: number
  /** Latency relative to what the same kind of call usually takes here: 1 = usual, 0.05..50, decays towards 1 while idle. */
  readonly latency: number
  /** Peak-sensitive moving average in milliseconds, decaying towards 0 while idle; 0 = nothing measured yet. */
  readonly peakLatencyMs: number
  /** 0..1, decayed failures / (decayed calls + 5). */
  readonly errorRatio: number
  /** >= 1, from `Fitness.penalty`; 1 without one. */
  readonly penalty: number
  /** Its last outcome was a failure less than 10 s ago, or the Retry-After of an overloaded answer is not over. */
  readonly coolingDown: boolean
}
