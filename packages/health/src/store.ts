/** One circuit as a store keeps it. Instants are wall-clock times: a monotonic clock does not survive a restart. */
export interface StoredCircuit {
  /** Group of the monitor (for a gateway: the template); '' if there is only one. With `id` the key. */
  readonly group: string
  readonly id: string
  /** Generation of the target, as text. A stored circuit of another generation is not restored. */
  readonly generation?: string | undefined
  readonly state: 'closed' | 'open' | 'half-open'
  /** Only of an open circuit: when the trial is due. */
  readonly openUntil?: Date | undefined
  /** How often it opened in a row; open time grows with it. Falls by one for each `openMs` that the circuit stays closed. */
  readonly opens: number
  /** When it came into this state. */
  readonly since: Date
}

/** One thing to write: a circuit as it is now, or that its target is gone. */
export type CircuitChange =
  | { readonly kind: 'set'; readonly circuit: StoredCircuit }
  | { readonly kind: 'forget'; readonly group: string; readonly id: string }

/**
 * Port: keeps circuits over a restart, so that a gateway which restarts does not hammer a dead server.
 * Written after the fact, never on the way of a request. Every implementation runs `circuitStoreConformance` of
 * `@mcp-platform/health/testing`.
 */
export interface CircuitStore {
  /** All circuits of all groups, in any order. */
  load(): Promise<readonly StoredCircuit[]>
  /** Writes the changes in their order; a later change of the same key wins. All or nothing. Forgetting what is not there is no error. */
  save(changes: readonly CircuitChange[]): Promise<void>
}
