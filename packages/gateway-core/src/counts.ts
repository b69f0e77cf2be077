import { CallStats } from './stats.js'

/** {@link CallStats} as they travel between processes. `latency` holds one count per bucket of the histogram. */
export interface CallCounts {
  readonly requests: number
  readonly errors: number
  readonly inFlight: number
  readonly latency: readonly number[]
}

/** What one process counted for one template, with its instances by id. */
export interface TemplateCounts extends CallCounts {
  readonly instances: Readonly<Record<string, CallCounts>>
}

/** Everything that one process counted since it started. */
export interface GatewayCounts {
  readonly total: CallCounts
  readonly templates: Readonly<Record<string, TemplateCounts>>
}

export function countsOf({ requests, errors, inFlight, latency }: CallStats): CallCounts {
  return { requests, errors, inFlight, latency: latency.toJSON() }
}

/** The counters of this process together with those of others, summed when a view is drawn. */
export class Tally {
  readonly #elsewhere: readonly GatewayCounts[]

  constructor(elsewhere: readonly GatewayCounts[]) {
    this.#elsewhere = elsewhere
  }

  total(own: CallStats): CallStats {
    return this.#sum(own, ({ total }) => total)
  }

  template(own: CallStats, name: string): CallStats {
    return this.#sum(own, ({ templates }) => templates[name])
  }

  instance(own: CallStats, template: string, id: string): CallStats {
    return this.#sum(own, ({ templates }) => templates[template]?.instances[id])
  }

  inFlight(own: number, template: string, id: string): number {
    return this.#elsewhere.reduce(
      (sum, { templates }) => sum + (templates[template]?.instances[id]?.inFlight ?? 0),
      own,
    )
  }

  #sum(own: CallStats, pick: (counts: GatewayCounts) => CallCounts | undefined): CallStats {
    if (this.#elsewhere.length === 0) return own
    const sum = new CallStats()
    for (const counts of [countsOf(own), ...this.#elsewhere.map(pick)]) if (counts) add(sum, counts)
    return sum
  }
}

/** Two processes as one; what only one of them counted is kept. */
export function addCounts(a: GatewayCounts, b: GatewayCounts): GatewayCounts {
  const names = new Set([...Object.keys(a.templates), ...Object.keys(b.templates)])
  const templates = [...names].map((name) => [name, addTemplates(a.templates[name], b.templates[name])] as const)
  return { total: addCalls(a.total, b.total), templates: Object.fromEntries(templates) }
}

/** The same without calls in flight: what is left of a process that is gone. */
export function settled(counts: GatewayCounts): GatewayCounts {
  const still = <C extends CallCounts>(calls: C): C => ({ ...calls, inFlight: 0 })
  const templates = Object.entries(counts.templates).map(([name, template]) => {
    const instances = Object.entries(template.instances).map(([id, calls]) => [id, still(calls)])
    return [name, { ...still(template), instances: Object.fromEntries(instances) }]
  })
  return { total: still(counts.total), templates: Object.fromEntries(templates) }
}

const NONE: CallCounts = { requests: 0, errors: 0, inFlight: 0, latency: [] }
const NO_TEMPLATE: TemplateCounts = { ...NONE, instances: {} }

function addTemplates(a: TemplateCounts = NO_TEMPLATE, b: TemplateCounts = NO_TEMPLATE): TemplateCounts {
  const ids = new Set([...Object.keys(a.instances), ...Object.keys(b.instances)])
  const instances = [...ids].map((id) => [id, addCalls(a.instances[id], b.instances[id])] as const)
  return { ...addCalls(a, b), instances: Object.fromEntries(instances) }
}

function addCalls(a: CallCounts = NONE, b: CallCounts = NONE): CallCounts {
  const sum = new CallStats()
  add(sum, a)
  add(sum, b)
  return countsOf(sum)
}

function add(sum: CallStats, { requests, errors, inFlight, latency }: CallCounts): void {
  sum.requests += requests
  sum.errors += errors
  sum.inFlight += inFlight
  sum.latency.add(latency)
}
