import { Balancer, type BalancerOptions, type Endpoint, type Fitness, type Report } from '../src/index.js'

/** A clock that stands still until it is moved. */
export class FakeClock {
  nowMs = 1_000_000
  readonly now = (): number => this.nowMs

  advance(ms: number): void {
    this.nowMs += ms
  }
}

/** Seeded numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Endpoints named a, b, c, … (or 0, 1, … beyond the alphabet), one per weight. */
export function endpoints(...weights: number[]): Endpoint[] {
  return weights.map((weight, index) => ({ id: nameOf(index, weights.length), weight }))
}

export function manyEndpoints(count: number): Endpoint[] {
  return endpoints(...Array.from({ length: count }, () => 1))
}

function nameOf(index: number, count: number): string {
  return count > 26 ? String(index) : String.fromCharCode(97 + index)
}

/** A balancer with a seeded random and a clock that stands still, unless told otherwise. */
export function balancerOf<E extends Endpoint = Endpoint>(
  options: Partial<BalancerOptions<E>> & Pick<BalancerOptions<E>, 'endpoints' | 'policy'>,
): Balancer<E> {
  return new Balancer<E>({ random: seeded(1), now: new FakeClock().now, ...options })
}

export const success: Report = { outcome: 'success' }
export const failure: Report = { outcome: 'failure' }

/** Ids of so many calls, each over before the next begins. */
export function pickIds(balancer: Balancer<Endpoint>, count: number, report: Report = success): string[] {
  return Array.from({ length: count }, () => {
    const lease = balancer.tryAcquire()
    if (!lease) throw new Error('nothing was free')
    lease.release(report)
    return lease.endpoint.id
  })
}

export function countOf(ids: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

/** Health by hand: what is not set is available, with a whole share. */
export class FakeHealth implements Fitness {
  version = 1
  readonly observed: [string, Report][] = []
  readonly #down = new Map<string, number | undefined>()
  readonly #shares = new Map<string, number>()
  readonly #held = new Set<string>()

  isAvailable(id: string): boolean {
    return !this.#down.has(id)
  }

  share(id: string): number {
    return this.#shares.get(id) ?? 1
  }

  acceptsPinned(id: string): boolean {
    return !this.#held.has(id)
  }

  lastResort(id: string): number | undefined {
    return this.#down.get(id)
  }

  observe(id: string, report: Report): void {
    this.observed.push([id, report])
  }

  /** Unavailable; `rank` says whether a panic may use it. */
  fail(id: string, rank?: number): void {
    this.#down.set(id, rank)
    this.version++
  }

  hold(id: string): void {
    this.#held.add(id)
    this.fail(id)
  }

  recover(id: string, share = 1): void {
    this.#down.delete(id)
    this.#shares.set(id, share)
    this.version++
  }
}

/** Takes a lease that must be there. */
export function take(balancer: Balancer<Endpoint>, context?: Parameters<Balancer<Endpoint>['tryAcquire']>[0]) {
  const lease = balancer.tryAcquire(context)
  if (!lease) throw new Error('nothing was free')
  return lease
}
