import type { InstanceView, RegistryTemplateView, RegistryView } from '@mcp-platform/contract'
import { CliError } from '../errors.js'
import { type Paint, paintStatus } from './colour.js'
import { oneLine } from './printable.js'
import type { Cell } from './table.js'

/** Head of the rows that {@link instanceRow} makes. */
export const INSTANCE_HEAD: readonly string[] = [
  'instance',
  'status',
  'at',
  'weight',
  'in flight',
  'score',
  'source',
  'reason',
]

/** Command lines are long; --json has them whole. */
const PLACE_WIDTH = 60

/** One instance as a row. */
export function instanceRow(instance: InstanceView, paint: Paint): Cell[] {
  const { id, status, weight, in_flight: inFlight, score, source, reason } = instance
  return [
    id,
    { painted: paintStatus(paint, status) },
    oneLine(placeOf(instance), PLACE_WIDTH),
    weight,
    inFlight,
    score,
    source,
    reason,
  ]
}

/** Where an instance is: its URL, or its command line. */
export function placeOf({ endpoint, resolved_endpoint: resolved, command, args = [] }: InstanceView): string {
  return resolved ?? endpoint ?? [command, ...args].join(' ')
}

/** @throws CliError when the registry has no such template */
export function requireTemplate(registry: RegistryView, name: string): RegistryTemplateView {
  const template = Object.hasOwn(registry.templates, name) ? registry.templates[name] : undefined
  if (template !== undefined) return template
  throw new CliError('TEMPLATE_NOT_FOUND', `There is no template "${name}".`, { next: 'mcpp gateway list' })
}
