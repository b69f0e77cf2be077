/** What a monitor watches: anything with an id. Probes read the further members that they need (`url`, `host`, …). */
export interface Target {
  /** Unique within one monitor; stable for as long as the target is the same thing. */
  readonly id: string
  /**
   * Says that the thing behind the id was replaced (registered again, restarted as something else).
   * A changed value resets counters, circuit and probe state. Absent = `update` keeps the state for as long as the id stays.
   */
  readonly generation?: string | number | undefined
}

/** What an operator wants of a target, whatever its probes say. */
export type AdminState =
  | { readonly state: 'active' }
  /** No new calls. Calls pinned to it pass until `until`; without `until`, until it is removed or disabled. */
  | { readonly state: 'draining'; readonly until?: Date | undefined }
  /** No calls and no probes. Activating it again starts it from nothing: it gets traffic after it passed a probe. */
  | { readonly state: 'disabled' }
