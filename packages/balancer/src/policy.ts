import type { Candidate } from './endpoint.js'

/** A number in [0, 1), like Math.random. */
export type Random = () => number

/** What a caller says about the call to be placed. */
export interface PickContext {
  /** Calls with the same key go to the same endpoint, if the policy is `rendezvous`. */
  readonly affinityKey?: string | undefined
  /** Only this endpoint will do (a session lives there). Ignores open circuits, slow start and weight 0, not its cap. */
  readonly pinnedTo?: string | undefined
  /** Ids not to pick: those that were tried already. */
  readonly exclude?: ReadonlySet<string> | undefined
  /** When nothing is available, take an unavailable endpoint that `Fitness.lastResort` ranks. @default option whenNoneAvailable */
  readonly allowUnavailable?: boolean | undefined
}

/** A policy that looks at the candidates anew on each pick; it has no state, so one object may serve many balancers. */
export interface ScanningPolicy {
  readonly name: string
  /**
   * Chooses one of the candidates: available, not full, not excluded, of weight > 0; never empty, in no particular order.
   * Break ties with `random`: with "first wins", sequential calls all hit the first endpoint.
   */
  pick<C extends Candidate>(candidates: readonly C[], context: PickContext, random: Random): C
}

/** A policy that keeps a form prepared for a set of endpoints, so that a pick does not look at all of them. */
export interface PreparedPolicy {
  readonly name: string
  /** A picker for one balancer; it may keep state from pick to pick. */
  picker<C extends Candidate>(random: Random): Picker<C>
}

/** How a balancer chooses; owned by one balancer. `setOpen`, `pick` and `taken` are on the path of every call. */
export interface Picker<C extends Candidate> {
  /** The available candidates by rising ordinal, all open; called when that set or one of its weights changes. */
  prepare(candidates: readonly C[]): void
  /** A candidate of the prepared set became full or excluded (false), or may be picked again (true). */
  setOpen(candidate: C, open: boolean): void
  /** The open candidate whose turn it is; undefined if there is none. Asking twice does not move on. */
  pick(context: PickContext, random: Random): C | undefined
  /** What the last `pick` returned was leased: move on. */
  taken?(): void
}

/** A way of choosing. Write a scanning one first: it is a few lines and fast enough for dozens of endpoints. */
export type Policy = ScanningPolicy | PreparedPolicy
