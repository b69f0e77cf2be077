import type { Check, ScenarioResult } from '../../examples/dual-era-server/src/run-conformance.ts'

/** A check that came out otherwise than on the bare server. Several of one id are told as `SUCCESS+FAILURE`. */
export interface Deviation {
  readonly scenario: string
  readonly check: string
  readonly bare: string
  readonly through: string
  readonly message: string
}

/** Compares every check of every scenario, warnings and skipped ones included. */
export function compare(
  bare: readonly ScenarioResult[],
  through: readonly ScenarioResult[],
): { readonly equal: number; readonly deviations: readonly Deviation[] } {
  const wanted = byCheck(bare)
  const found = byCheck(through)
  const deviations: Deviation[] = []
  let equal = 0
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const before = statusOf(wanted.get(key))
    const after = statusOf(found.get(key))
    if (before === after) equal += 1
    else deviations.push(deviationOf(key, before, after, found.get(key)))
  }
  return { equal, deviations }
}

function byCheck(scenarios: readonly ScenarioResult[]): ReadonlyMap<string, readonly Check[]> {
  const checks = scenarios.flatMap(({ name, checks: all }) =>
    all.map((check) => ({ key: `${name}\n${check.id}`, check })),
  )
  return new Map(
    [...Map.groupBy(checks, ({ key }) => key)].map(([key, group]) => [key, group.map(({ check }) => check)] as const),
  )
}

function statusOf(checks: readonly Check[] | undefined): string {
  return checks === undefined
    ? 'absent'
    : checks
        .map(({ status }) => status)
        .sort()
        .join('+')
}

function deviationOf(key: string, bare: string, through: string, checks: readonly Check[] = []): Deviation {
  const [scenario = '', check = ''] = key.split('\n')
  const message = checks.map(({ errorMessage }) => errorMessage).find((text) => text !== undefined) ?? ''
  return { scenario, check, bare, through, message: message.slice(0, 300) }
}
