import type { ExportDocument } from '@mcp-platform/contract'
import {
  type Attach,
  type Instance,
  joinCommand,
  type RegistryState,
  settingsToWire,
} from '@mcp-platform/core-registry'

/** The whole registry as a file that import takes. Secrets are left out; `omitted` names them. */
export interface Exported {
  readonly document: ExportDocument
  /** `template/instance header:authorization`, … */
  readonly omitted: readonly string[]
}

/** Writes the registry down. Built field by field, so that a secret cannot get in. */
export function exportRegistry(state: RegistryState, at: Date): Exported {
  const templates: Record<string, unknown> = {}
  for (const [name, template] of state.templates) {
    templates[name] = { ...settingsToWire(template.settings), instances: template.instances.map(instanceOf) }
  }
  const omitted = [...state.templates.values()].flatMap((template) => template.instances.flatMap(secretsOf))
  return { document: { format: 'mcp-platform-export', version: 1, exported_at: at.toISOString(), templates }, omitted }
}

function instanceOf(instance: Instance): Record<string, unknown> {
  const { id, protocol, maxInFlight, region, metadata } = instance
  return {
    id,
    ...attachOf(instance.attach),
    protocol,
    weight: instance.weight,
    max_in_flight: maxInFlight,
    region,
    metadata,
  }
}

function attachOf(attach: Attach): Record<string, unknown> {
  if (attach.kind === 'http') return { endpoint: attach.url, transport: attach.transport }
  if (attach.kind === 'profile') return { profile: attach.profile }
  // A command is one program here, and a command line with quotes in a file.
  return { command: joinCommand([attach.command]), args: attach.args, working_dir: attach.workingDir }
}

function secretsOf({ template, id, attach }: Instance): string[] {
  return secretNames(attach).map((name) => `${template}/${id} ${name}`)
}

function secretNames(attach: Attach): string[] {
  if (attach.kind === 'profile') return []
  if (attach.kind === 'stdio') return Object.keys(attach.env).map((name) => `env:${name}`)
  const headers = Object.keys(attach.headers).map((name) => `header:${name}`)
  return [...headers, ...Object.keys(attach.tls ?? {}).map((name) => `tls:${name}`)]
}

const HEAD = ['format', 'version', 'exported_at']

/** An export without its head is a registry file; any other document is passed as it is. */
export function withoutExportHead(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || !('format' in document)) return document
  if (document.format !== 'mcp-platform-export') return document
  return Object.fromEntries(Object.entries(document).filter(([name]) => !HEAD.includes(name)))
}
