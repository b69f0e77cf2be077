/** Where a gateway is in its life. */
export type Phase = 'starting' | 'serving' | 'stopping'

/** Says whether requests should come here; readiness probes read it. */
export class Readiness {
  #phase: Phase = 'starting'

  get phase(): Phase {
    return this.#phase
  }

  serve(): void {
    if (this.#phase === 'starting') this.#phase = 'serving'
  }

  stop(): void {
    this.#phase = 'stopping'
  }

  /** Why not; undefined when ready. */
  readonly reason = (): string | undefined => {
    if (this.#phase === 'starting') return 'the gateway is starting'
    return this.#phase === 'stopping' ? 'the gateway is shutting down' : undefined
  }
}
