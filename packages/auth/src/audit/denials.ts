import { type AuditEvent, auditEvent } from './event.js'

const MINUTE_MS = 60_000
// As many rows in a minute as can be of use to anybody; the rest is one row that says how many.
const MAX_ROWS = 1_000

/** Something that was refused. */
export interface Denial {
  readonly actor: string
  readonly action: string
  readonly reason: string
  readonly target?: string | undefined
  readonly address?: string | undefined
  readonly requestId?: string | undefined
}

interface Row {
  readonly first: Denial
  readonly at: Date
  count: number
}

/**
 * Puts refusals together: one event per principal, action and minute, with a count and what the first one was, so that an
 * attack does not fill the trail. Synchronous and bounded.
 */
export class DenialCounter {
  readonly #now: () => number
  #minute = 0
  #rows = new Map<string, Row>()

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  note(denial: Denial): void {
    const key = JSON.stringify([denial.actor, denial.action])
    if (this.#rows.size === 0) this.#minute = minuteOf(this.#now())
    const isFull = this.#rows.size >= MAX_ROWS && !this.#rows.has(key)
    const known = this.#rows.get(isFull ? OTHERS : key)
    if (known !== undefined) known.count++
    else if (isFull) this.#rows.set(OTHERS, { first: { ...denial, ...MANY }, at: new Date(this.#now()), count: 1 })
    else this.#rows.set(key, { first: denial, at: new Date(this.#now()), count: 1 })
  }

  /** The events of a minute that is over; every event there is with `all`, at the end. */
  drain(options: { readonly all?: boolean | undefined } = {}): readonly AuditEvent[] {
    if (options.all !== true && minuteOf(this.#now()) === this.#minute) return []
    const rows = [...this.#rows.values()]
    this.#rows = new Map()
    return rows.map(toEvent)
  }
}

const OTHERS = ''
const MANY = { actor: 'many', action: 'many', target: undefined, requestId: undefined, address: undefined }

function toEvent({ first, at, count }: Row): AuditEvent {
  const { actor, action, reason, target, address, requestId } = first
  return auditEvent({ at, actor, action, outcome: 'denied', target, address, requestId, count, details: { reason } })
}

function minuteOf(now: number): number {
  return Math.floor(now / MINUTE_MS)
}
