/** Where a gateway is in its life. */
export type Phase = 'starting' | 'serving' | 'stopping'

/** Says whether requests should come here; readiness probes read it. */
export class Readiness {
  #phase: Phase = 'starting'
  readonly #cutOff: () => string | undefined

  /** `cutOff`: why what is known is too old to be served. @default it never is */
  constructor(cutOff: () => string | undefined = () => undefined) {
    this.#cutOff = cutOff
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Why no call may be served although the gateway is up; undefined when there is no such reason. */
  get cutOff(): string | undefined {
    return this.#cutOff()
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
    return this.#phase === 'stopping' ? 'the gateway is shutting down' : this.cutOff
  }
}
