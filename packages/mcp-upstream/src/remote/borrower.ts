import type { Phase } from '../upstream.js'
import type { BorrowedCall } from './borrowed-call.js'
import type { Operation } from './protocol.js'

/** How one operation is watched. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Goes out with the operation. */
  readonly body?: Buffer | undefined
  onPhase?(phase: Phase): void
}

/** What connections and sessions need of the stream they share. */
export interface Borrower {
  /** Begins an operation. @throws the signal's reason; UpstreamClosedError when the stream has ended */
  start(operation: Operation, options?: CallOptions): BorrowedCall
  /** Tells when a session is over; at once when the stream has ended. */
  onSessionEnd(session: number, ended: () => void): void
  forgetSession(session: number): void
}
