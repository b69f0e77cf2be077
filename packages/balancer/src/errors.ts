/** How many endpoints there are, and why each could not take the call. Each endpoint is counted under one reason. */
export interface Census {
  readonly total: number
  /** Unfit, according to `Fitness`. */
  readonly unavailable: number
  /** At their in-flight cap. */
  readonly full: number
  /** Named in `exclude`. */
  readonly excluded: number
  /** Of weight 0. */
  readonly weightZero: number
}

/** No endpoint may take the call, and waiting would not help (or was not wanted: `maxWaitMs: 0`). */
export class NoEndpointAvailableError extends Error implements Census {
  override readonly name = 'NoEndpointAvailableError'
  readonly code = 'BALANCER_NO_ENDPOINT_AVAILABLE'
  readonly total: number
  readonly unavailable: number
  readonly full: number
  readonly excluded: number
  readonly weightZero: number

  constructor(census: Census) {
    super(`no endpoint available: ${inWords(census)}`)
    this.total = census.total
    this.unavailable = census.unavailable
    this.full = census.full
    this.excluded = census.excluded
    this.weightZero = census.weightZero
  }
}

/** All endpoints are full and so is the queue. Nothing was sent. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError'
  readonly code = 'BALANCER_QUEUE_FULL'
  readonly queueSize: number

  constructor(queueSize: number) {
    super(`all endpoints are full and ${queueSize} calls are waiting already`)
    this.queueSize = queueSize
  }
}

/** No endpoint became free in time. Nothing was sent. */
export class QueueTimeoutError extends Error {
  override readonly name = 'QueueTimeoutError'
  readonly code = 'BALANCER_QUEUE_TIMEOUT'
  readonly maxWaitMs: number

  constructor(maxWaitMs: number) {
    super(`no endpoint became free within ${maxWaitMs} ms`)
    this.maxWaitMs = maxWaitMs
  }
}

/** The endpoint that the call is pinned to was removed, or accepts no pinned calls any more. */
export class PinnedEndpointGoneError extends Error {
  override readonly name = 'PinnedEndpointGoneError'
  readonly code = 'BALANCER_PINNED_ENDPOINT_GONE'
  readonly id: string
  readonly reason: 'removed' | 'held'

  constructor(id: string, reason: 'removed' | 'held') {
    super(`the pinned endpoint "${id}" ${reason === 'removed' ? 'was removed' : 'accepts no calls'}`)
    this.id = id
    this.reason = reason
  }
}

/** Two endpoints of one set have the same id. Nothing of the set was taken over. */
export class DuplicateEndpointError extends Error {
  override readonly name = 'DuplicateEndpointError'
  readonly code = 'BALANCER_DUPLICATE_ENDPOINT'
  readonly id: string

  constructor(id: string) {
    super(`two endpoints have the id "${id}"`)
    this.id = id
  }
}

/** `policyByName` knows no policy of this name. */
export class UnknownPolicyError extends Error {
  override readonly name = 'UnknownPolicyError'
  readonly code = 'BALANCER_UNKNOWN_POLICY'
  readonly policy: string

  constructor(policy: string, known: readonly string[]) {
    super(`there is no policy "${policy}"; there are ${known.join(', ')}`)
    this.policy = policy
  }
}

/** Every code that an error of this package can carry. */
export type BalancerErrorCode =
  | NoEndpointAvailableError['code']
  | QueueFullError['code']
  | QueueTimeoutError['code']
  | PinnedEndpointGoneError['code']
  | DuplicateEndpointError['code']
  | UnknownPolicyError['code']

function inWords(census: Census): string {
  if (census.total === 0) return 'the set is empty'
  const { total, unavailable, full, excluded, weightZero } = census
  return `of ${total}, ${unavailable} unavailable, ${full} full, ${excluded} excluded, ${weightZero} of weight 0`
}
