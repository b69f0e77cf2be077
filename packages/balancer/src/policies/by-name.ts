import { UnknownPolicyError } from '../errors.js'
import type { Policy } from '../policy.js'
import { healthBased } from './health-based.js'
import { leastConnections } from './least-connections.js'
import { peakEwma } from './peak-ewma.js'
import { rendezvous } from './rendezvous.js'
import { roundRobin } from './round-robin.js'
import { weighted } from './weighted.js'
import { weightedRandom } from './weighted-random.js'

/** Names that configuration files use. */
export type PolicyName =
  | 'round_robin'
  | 'least_connections'
  | 'weighted'
  | 'health_based'
  | 'random'
  | 'peak_ewma'
  | 'rendezvous'

const POLICIES: ReadonlyMap<string, () => Policy> = new Map<PolicyName, () => Policy>([
  ['round_robin', roundRobin],
  ['least_connections', leastConnections],
  ['weighted', weighted],
  ['health_based', healthBased],
  ['random', weightedRandom],
  ['peak_ewma', peakEwma],
  ['rendezvous', rendezvous],
])

/** All names that `policyByName` knows, the usual default first. */
export const policyNames: readonly PolicyName[] = [...POLICIES.keys()].filter(isPolicyName)

/** True for a name that `policyByName` knows. */
export function isPolicyName(name: string): name is PolicyName {
  return POLICIES.has(name)
}

/**
 * The policy of a configured name.
 * @throws UnknownPolicyError naming those that exist.
 */
export function policyByName(name: string): Policy {
  const create = POLICIES.get(name)
  if (!create) throw new UnknownPolicyError(name, policyNames)
  return create()
}
