/*
 * What it costs to pick an endpoint and to release it, per policy, at 10 and at 10,000 endpoints: public API only, no network. The
 * ratio between the two is the target of ARCHITECTURE.md ("pick cost at 10,000 instances / at 10"); nanoseconds depend on the machine.
 */
import { Balancer, type Endpoint, type PickContext, policyByName, policyNames } from '@mcp-platform/balancer'
import { median } from './measure/statistics.ts'

const SIZES = [10, 10_000] as const
const ROUNDS = 7
const ROUND_MS = 60
/** Calls in flight while measuring: an idle balancer has only ties to break. */
const IN_FLIGHT = 8
/** Affinity keys differ from call to call, as callers do. */
const CONTEXTS: readonly PickContext[] = Array.from({ length: 256 }, (_, index) => ({ affinityKey: `caller-${index}` }))

function endpoints(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, index) => ({ id: `e${index}`, weight: 1 + (index % 3) }))
}

/** Nanoseconds per pick and release: the median of some rounds, after one to warm up. */
function measure(name: (typeof policyNames)[number], count: number): number {
  const balancer = new Balancer({ endpoints: endpoints(count), policy: policyByName(name) })
  for (let held = 0; held < IN_FLIGHT; held += 1) balancer.tryAcquire()
  round(balancer)
  return median(Array.from({ length: ROUNDS }, () => round(balancer)))
}

function round(balancer: Balancer<Endpoint>): number {
  const started = performance.now()
  let picks = 0
  for (let elapsed = 0; elapsed < ROUND_MS; elapsed = performance.now() - started) {
    for (const context of CONTEXTS) {
      const lease = balancer.tryAcquire(context)
      lease?.release({ outcome: 'success', latencyMs: 5 })
    }
    picks += CONTEXTS.length
  }
  return ((performance.now() - started) * 1e6) / picks
}

console.log(`pick and release, median of ${ROUNDS} rounds, Node ${process.version}\n`)
console.log(
  `${'policy'.padEnd(20)}${SIZES.map((size) => `${size.toLocaleString('en')} (ns)`.padStart(14)).join('')}${'ratio'.padStart(9)}`,
)
for (const name of policyNames) {
  const costs = SIZES.map((size) => measure(name, size))
  const ratio = (costs.at(-1) ?? 0) / (costs[0] ?? 1)
  console.log(
    `${name.padEnd(20)}${costs.map((cost) => cost.toFixed(0).padStart(14)).join('')}${ratio.toFixed(1).padStart(9)}`,
  )
}
