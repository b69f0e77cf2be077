export { Balancer } from './balancer.js'
export type { EndpointSnapshot, Explanation, Verdict } from './describe.js'
export type { Candidate, Endpoint } from './endpoint.js'
export {
  type BalancerErrorCode,
  type Census,
  DuplicateEndpointError,
  NoEndpointAvailableError,
  PinnedEndpointGoneError,
  QueueFullError,
  QueueTimeoutError,
  UnknownPolicyError,
} from './errors.js'
export type { BalancerEvent } from './events.js'
export type { Fitness } from './fitness.js'
export type { Lease } from './lease.js'
export type { AcquireOptions, BalancerOptions, RunOptions } from './options.js'
export { isPolicyName, type PolicyName, policyByName, policyNames } from './policies/by-name.js'
export { healthBased, healthCost, healthScore } from './policies/health-based.js'
export { leastConnections } from './policies/least-connections.js'
export { peakEwma } from './policies/peak-ewma.js'
export { rendezvous } from './policies/rendezvous.js'
export { roundRobin } from './policies/round-robin.js'
export { weighted } from './policies/weighted.js'
export { weightedRandom } from './policies/weighted-random.js'
export type { PickContext, Picker, Policy, PreparedPolicy, Random, ScanningPolicy } from './policy.js'
export type { Outcome, Report } from './report.js'
