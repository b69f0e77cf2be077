/** How one finished call went, as far as health needs to know. A balancer's report fits as it is. */
export interface CallReport {
  /**
   * - `success`: the target answered (an error that the caller caused is an answer).
   * - `failure`: the target is to blame: no connection, first-byte timeout, reset, 5xx, invalid answer, child exit.
   * - `overloaded`: it refused for load (429, 503); never trips a circuit.
   * - `cancelled`: the caller went away; says nothing about the target.
   */
  readonly outcome: 'success' | 'failure' | 'overloaded' | 'cancelled'
  /** Of a failure: false = raise only the failure ratio, never the circuit. @default true */
  readonly hard?: boolean | undefined
  /** Of a failure: do not believe it yet, ask the target first. The same as calling `suspect` instead of `observe`. */
  readonly suspicion?: Suspicion | undefined
}

/** A failure that may be the call's own fault, for example a timeout of one tool. */
export interface Suspicion {
  /** What was seen, for people: `timeout`, `child exit`, `HTTP 502`. */
  readonly cause: string
  /** Who saw it (principal and tool). The same key counts at most once in 10 s, so that one bad tool cannot degrade a target. */
  readonly by?: string | undefined
}

/** The answers that a balancer asks for before it picks. Ids that are not watched are unavailable. */
export interface Fitness {
  /** Grows whenever an answer below may have changed. */
  readonly version: number
  /** May get new calls. */
  isAvailable(id: string): boolean
  /** 0..1, how much of its fair part it should get: slow start, degraded. 0 for an id that is not watched. */
  share(id: string): number
  /** >= 1, how much dearer its recent failures make it: 1 + 4 x failure ratio, in steps of 0.2. */
  penalty(id: string): number
  /** Tells how a call went. */
  observe(id: string, report: CallReport): void
  /** May get calls of a session that lives there: ignores an open circuit; draining until its deadline. */
  acceptsPinned(id: string): boolean
  /** When nothing is available: 1 = circuit open, 2 = probes fail, undefined = never (available, draining, disabled, held, starting). */
  lastResort(id: string): 1 | 2 | undefined
}
