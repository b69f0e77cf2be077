/** A database for tests, or the reason why this machine has none. */
export type Availability<T> = { readonly database: T; readonly reason?: undefined } | Unavailable

/** Why no database can be had. */
export interface Unavailable {
  readonly database?: undefined
  readonly reason: string
}

/**
 * A reason to skip a suite becomes an error where skipping is forbidden: CI sets TEST_REQUIRE_DATABASES=1, so that a suite which
 * silently did not run cannot look green.
 */
export function unavailable(reason: string): Unavailable {
  if (process.env['TEST_REQUIRE_DATABASES'] === '1') throw new Error(`TEST_REQUIRE_DATABASES=1, but ${reason}`)
  return { reason }
}
