import { describe, expect, it } from '@jest/globals'
import { type Timed, TimerWheel } from '../src/timer-wheel.js'

class Entry implements Timed {
  dueAt: number = Number.POSITIVE_INFINITY
  tick: number | undefined
  index = 0
  readonly expired: Promise<number>
  isExpired = false
  readonly #expire: (at: number) => void

  constructor() {
    const { promise, resolve } = Promise.withResolvers<number>()
    this.expired = promise
    this.#expire = resolve
  }

  expire(): void {
    this.isExpired = true
    this.#expire(performance.now())
  }
}

describe('TimerWheel', () => {
  it('never expires an entry early, also far beyond one turn', async () => {
    const wheel = new TimerWheel()
    const start = performance.now()
    const waits = [0, 1, 49, 50, 51, 120, 400, 1_590, 1_700]
    const entries = waits.map((ms) => {
      const entry = new Entry()
      wheel.arm(entry, ms)
      return entry
    })
    const keepAlive = setInterval(() => {}, 1_000)
    const took = await Promise.all(entries.map((entry) => entry.expired))
    clearInterval(keepAlive)
    for (const [at, ms] of waits.entries()) expect((took[at] ?? 0) - start).toBeGreaterThanOrEqual(ms)
  })

  it('expires by the last arming: earlier, later or not at all', async () => {
    const wheel = new TimerWheel()
    const [sooner, later, never, last] = [new Entry(), new Entry(), new Entry(), new Entry()]
    for (const entry of [sooner, later, never]) wheel.arm(entry, 100)
    wheel.arm(sooner, 10)
    wheel.arm(later, 300)
    wheel.disarm(never)
    wheel.arm(last, 400)
    const order: string[] = []
    sooner.expire = () => void order.push('sooner')
    later.expire = () => void order.push('later')
    const keepAlive = setInterval(() => {}, 1_000)
    await last.expired
    clearInterval(keepAlive)
    expect(order).toEqual(['sooner', 'later'])
    expect(never.isExpired).toBe(false)
  })

  it('expires an entry once, and not one that an earlier expiry disarmed', async () => {
    const wheel = new TimerWheel()
    const [first, second, last] = [new Entry(), new Entry(), new Entry()]
    wheel.arm(first, 10)
    wheel.arm(second, 10)
    wheel.arm(last, 200)
    first.expire = () => wheel.disarm(second)
    second.expire = () => wheel.disarm(first)
    let count = 0
    const countFirst = first.expire
    first.expire = () => {
      count += 1
      countFirst()
    }
    const keepAlive = setInterval(() => {}, 1_000)
    await last.expired
    clearInterval(keepAlive)
    expect(count).toBe(1)
    expect(second.isExpired).toBe(false)
  })
})
