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
  const text = textOf(error)
  const cause = memberOf(error, 'cause')
  if (cause === undefined) return text
  const because = memberOf(cause, 'code') ?? textOf(cause)
  return text.includes(String(because)) ? text : `${text} (${because})`
}

// By members, not by instanceof: errors may come from another realm. An AggregateError of connect has a code and no message.
function textOf(error: unknown): string {
  for (const name of ['message', 'code', 'name']) {
    const text = memberOf(error, name)
    if (typeof text === 'string' && text !== '') return text
  }
  return String(error)
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
