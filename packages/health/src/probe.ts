/**
 * What a probe found out.
 * - `fit`: can serve.
 * - `unfit`: cannot serve now; counts towards `fall`.
 * - `held`: answers, but must not get traffic, not even when nothing else is left (wrong credentials, another service behind
 *   the address). Takes effect at once. The reasons `unauthenticated`, `identity_changed` and `crash_loop` become the status of
 *   the same name; any other reason shows as `held`.
 */
export type ProbeResult = { readonly verdict: 'fit' } | { readonly verdict: 'unfit' | 'held'; readonly reason: string }

/**
 * Asks one target whether it can serve. Resolving with nothing means fit, a rejection means unfit with the error's message.
 *
 * The probe must settle soon after `signal` aborts (timeout, target removed, monitor closed): until it does, no further probe of
 * this target starts and each one that falls due counts as unfit.
 */
export type Probe<T> = (
  target: T,
  signal: AbortSignal,
  // biome-ignore lint/suspicious/noConfusingVoidType: "returns nothing" is the shortest way to write a probe that passed
) => Promise<ProbeResult | void>

/** Turns a rejection into one line for people: the message, and the code or message of its cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : causeOf(error.cause)
  const text = error.message === '' ? error.name : error.message
  return cause === '' || text.includes(cause) ? text : `${text} (${cause})`
}

function causeOf(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return String(cause)
  if ('code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : ''
}
