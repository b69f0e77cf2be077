import type { InstanceName } from '@mcp-platform/contract'
import type { Cell } from './table.js'

/** Head of the rows that {@link changeRows} makes. */
export const CHANGE_HEAD: readonly string[] = ['template', 'instance', 'change']

/** Changes of the registry as rows, in the order of the kinds given. */
export function changeRows(changes: Readonly<Record<string, readonly InstanceName[]>>): Cell[][] {
  return Object.entries(changes).flatMap(([kind, names]) =>
    names.map(({ template_name: template, instance_id: id }) => [template, id, kind]),
  )
}
