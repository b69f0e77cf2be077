import type { Endpoint } from './endpoint.js'
import type { Report } from './report.js'

/** One call in flight on one endpoint. */
export interface Lease<E extends Endpoint = Endpoint> {
  /** The endpoint as it was given to the balancer when the lease was taken. */
  readonly endpoint: E
  /**
   * Ends the call; to be called exactly once, when the response body has ended and not when its headers arrive.
   * A second call changes nothing and is told as the event `released-twice`.
   */
  release(report: Report): void
  /** Releases when the promise settles; a rejection counts as a failure and is told as the event `report-rejected`. */
  releaseWith(report: Promise<Report>): void
}

/** What a lease tells the balancer. */
export interface LeaseHolder {
  settle(report: Report): void
  releasedTwice(): void
  reportRejected(error: unknown): void
}

/** The balancer's lease: passes the first release on, and only the first. */
export class SingleLease<E extends Endpoint> implements Lease<E> {
  readonly endpoint: E
  #holder: LeaseHolder
  #released = false

  constructor(endpoint: E, holder: LeaseHolder) {
    this.endpoint = endpoint
    this.#holder = holder
  }

  release(report: Report): void {
    if (this.#released) {
      this.#holder.releasedTwice()
      return
    }
    this.#released = true
    this.#holder.settle(report)
  }

  releaseWith(report: Promise<Report>): void {
    report.then(
      (settled) => this.release(settled),
      (error: unknown) => {
        this.#holder.reportRejected(error)
        this.release({ outcome: 'failure' })
      },
    )
  }
}
