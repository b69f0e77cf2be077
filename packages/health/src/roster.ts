import type { Board } from './board.js'
import type { Checks } from './checks.js'
import type { CircuitKeeper } from './circuit-keeper.js'
import { DuplicateTargetError } from './errors.js'
import type { HealthEvent } from './events.js'
import type { Settings } from './options.js'
import type { Admin } from './status.js'
import type { StoredCircuit } from './store.js'
import type { Target } from './target.js'
import { TargetHealth } from './target-health.js'

/** What the roster needs of the monitor. */
export interface RosterOptions<T extends Target> {
  readonly settings: Settings
  readonly board: Board<T>
  readonly circuits: CircuitKeeper<T>
  readonly checks: Checks<T>
  readonly emit: (event: HealthEvent) => void
}

/** Who is watched: what comes, stays and goes, and which state comes along. */
export class Roster<T extends Target> {
  readonly #options: RosterOptions<T>
  /** Stored circuits of targets that are not known yet. */
  readonly #unclaimed = new Map<string, StoredCircuit>()
  #started = false

  constructor(options: RosterOptions<T>) {
    this.#options = options
  }

  /** From here on a new target is a newcomer: probed at once, and warmed up when it passes. */
  start(): void {
    this.#started = true
  }

  /** Takes over the whole set. @throws DuplicateTargetError before anything changed */
  update(targets: readonly T[]): void {
    const wanted = distinctIds(targets)
    for (const current of this.#options.board.all()) {
      if (!wanted.has(current.id)) this.#remove(current)
    }
    for (const target of targets) this.#place(target)
    this.#options.circuits.enforceCeiling()
    this.#options.board.refreshPanic()
  }

  /** Starts a target from nothing, as something new behind a known id. */
  replace(current: TargetHealth<T>, target: T, admin: Admin): void {
    this.#options.circuits.reset(current)
    this.#drop(current)
    this.#add(target, admin)
  }

  /** Hands stored circuits to their targets, now or when they come. */
  restore(states: readonly StoredCircuit[]): void {
    for (const stored of states.filter(({ group }) => group === this.#options.settings.group)) {
      this.#unclaimed.set(stored.id, stored)
      const target = this.#options.board.get(stored.id)
      if (target !== undefined) this.#claim(target)
    }
  }

  #place(target: T): void {
    const current = this.#options.board.get(target.id)
    if (current === undefined) this.#add(target, { state: 'active' })
    else if (sameGeneration(current.target, target)) current.target = target
    else this.replace(current, target, current.admin)
  }

  #add(target: T, admin: Admin): void {
    const { settings, board, checks } = this.#options
    const added = new TargetHealth(target, { settings, admin, newcomer: this.#started })
    board.add(added)
    this.#claim(added)
    board.refresh(added)
    if (this.#started && admin.state !== 'disabled') void checks.run(added, { urgent: false })
  }

  #remove(target: TargetHealth<T>): void {
    this.#drop(target)
    this.#options.emit({ type: 'removed', group: this.#options.settings.group, id: target.id })
  }

  #drop(target: TargetHealth<T>): void {
    target.dropped.abort()
    this.#options.checks.unschedule(target.id)
    this.#options.board.delete(target.id)
  }

  #claim(target: TargetHealth<T>): void {
    const stored = this.#unclaimed.get(target.id)
    if (stored === undefined) return
    this.#unclaimed.delete(target.id)
    if (stored.generation !== target.generation) return
    this.#options.circuits.restore(target, stored)
    this.#options.board.refresh(target)
    this.#options.checks.scheduleTrial(target)
  }
}

function distinctIds(targets: readonly Target[]): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { id } of targets) {
    if (ids.has(id)) throw new DuplicateTargetError(id)
    ids.add(id)
  }
  return ids
}

function sameGeneration(a: Target, b: Target): boolean {
  return String(a.generation) === String(b.generation)
}
