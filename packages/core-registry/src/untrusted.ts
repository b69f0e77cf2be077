import type { RegistryState } from './model.js'
import { EMPTY_STATE } from './state.js'

/** A row of the store that was not written by a gateway, or not as it is now. */
export interface UntrustedRow {
  readonly template: string
  /** Absent: the settings of the template. */
  readonly instanceId?: string | undefined
  readonly reason: string
}

/** The rows of `state` that are not trusted and were not known to be so in `previous`. */
export function untrustedRows(state: RegistryState, previous: RegistryState = EMPTY_STATE): UntrustedRow[] {
  const known = new Set(rowsOf(previous).map(keyOf))
  return rowsOf(state).filter((row) => !known.has(keyOf(row)))
}

function rowsOf({ templates }: RegistryState): UntrustedRow[] {
  return [...templates.values()].flatMap(({ name: template, untrusted, instances }) => [
    ...(untrusted === undefined ? [] : [{ template, reason: untrusted }]),
    ...instances.flatMap(({ id: instanceId, untrusted: reason }) =>
      reason === undefined ? [] : [{ template, instanceId, reason }],
    ),
  ])
}

function keyOf({ template, instanceId = '' }: UntrustedRow): string {
  return `${template}/${instanceId}`
}
