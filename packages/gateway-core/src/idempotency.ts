/** For how long a key is remembered, in milliseconds: 24 hours (BALANCING.md). */
export const IDEMPOTENCY_KEPT_MS: number = 24 * 60 * 60 * 1_000
/** A longer result is not kept, in bytes of UTF-8: 256 KiB. */
export const MAX_KEPT_RESULT_BYTES: number = 256 * 1024

/** What a key belongs to: the same text of another principal, or for another template, is another key. */
export interface IdempotencyScope {
  readonly principal: string
  readonly template: string
  /** As the client gave it, of any length. */
  readonly key: string
}

/** The wish to be the one who runs a call. */
export interface IdempotencyClaim extends IdempotencyScope {
  /** Hash of the tool and its arguments, at most 128 characters: another one under the same key is another call. */
  readonly fingerprint: string
  /** Node, process and request that claim, at most 255 characters. No two claims have the same. */
  readonly owner: string
  /** When the owner must have ended, in milliseconds from now: after that it counts as lost. */
  readonly claimMs: number
  /** How long the key is remembered, in milliseconds from now. @default 24 h */
  readonly keepMs?: number | undefined
}

/** What became of the result of a call that has ended. */
export type IdempotencyResult =
  | { readonly kept: true; readonly json: string }
  /** It was longer than 256 KiB, or there is no key to seal it with. */
  | { readonly kept: false }

/** What is known of a key. */
export type IdempotencyRecord =
  | { readonly state: 'in-progress'; readonly fingerprint: string; readonly owner: string; readonly until: Date }
  /** Its owner has not ended in time: the call may have been executed, and must not be run again. */
  | { readonly state: 'lost'; readonly fingerprint: string; readonly owner: string }
  | { readonly state: 'done'; readonly fingerprint: string; readonly result: IdempotencyResult }

/** `claimed`: the caller runs the call. `mismatch`: the key was used for another call. Else what is known of the same one. */
export type ClaimOutcome = { readonly state: 'claimed' } | { readonly state: 'mismatch' } | IdempotencyRecord

/**
 * Remembers which calls were run under which key, so that none runs twice. All times are the store's own clock, which all
 * nodes share. A result is encrypted before it is written down. Errors of the store are its own: a call with a key is not
 * run while they last.
 */
export interface IdempotencyStore {
  /**
   * Takes a key that nobody has used. Of several at the same time exactly one is `claimed`; the same claim made once more
   * (an answer was lost) is `claimed` again. A key whose time is over is as good as unused.
   */
  claim(claim: IdempotencyClaim): Promise<ClaimOutcome>
  /**
   * The call has ended, also if that was after its time. A result above 256 KiB is not kept.
   * @returns false when the claim is not there any more, or was completed before; nothing was changed then
   */
  complete(claim: Pick<IdempotencyClaim, keyof IdempotencyScope | 'owner'>, json: string): Promise<boolean>
  /**
   * Nothing was executed: the next one may claim the key. Never for a call that may have been.
   * @returns false when the claim is not there any more, or was completed
   */
  release(claim: Pick<IdempotencyClaim, keyof IdempotencyScope | 'owner'>): Promise<boolean>
  /** For who waits for the owner; undefined for a key that was never used, was released, or whose time is over. */
  read(scope: IdempotencyScope): Promise<IdempotencyRecord | undefined>
  /** Forgets at most `limit` keys whose time is over. @returns how many */
  sweep(limit: number): Promise<number>
}
