import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Deviation } from './compare.ts'

/** A difference that cannot be avoided, and why. */
export interface Exception {
  readonly cells: readonly string[]
  readonly revisions: readonly string[]
  readonly scenario: string
  /** How each check comes out through the gateway. */
  readonly checks: Readonly<Record<string, string>>
  readonly reason: string
}

interface Occurrence {
  readonly cell: string
  readonly revision: string
}

export function loadExceptions(): readonly Exception[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'exceptions.json'), 'utf8'))
}

/** The place in the list of the exception that covers this difference. */
export function explain(
  exceptions: readonly Exception[],
  { cell, revision, deviation }: Occurrence & { readonly deviation: Deviation },
): number | undefined {
  const at = exceptions.findIndex(
    (one) =>
      applies(one, { cell, revision }) &&
      one.scenario === deviation.scenario &&
      one.checks[deviation.check] === deviation.through,
  )
  return at === -1 ? undefined : at
}

/** Exceptions that should have occurred in what was run and did not: they hide the next fault. */
export function unusedExceptions(
  exceptions: readonly Exception[],
  used: ReadonlySet<number>,
  ran: readonly Occurrence[],
): readonly string[] {
  return exceptions
    .filter((one, at) => !used.has(at) && ran.some((run) => applies(one, run)))
    .map(({ scenario }) => scenario)
}

function applies({ cells, revisions }: Exception, { cell, revision }: Occurrence): boolean {
  return cells.includes(cell) && revisions.includes(revision)
}
