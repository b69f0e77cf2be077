import { createHash } from 'node:crypto'
import type { ImportedUser } from '@mcp-platform/auth'
import type { ExportDocument } from '@mcp-platform/contract'
import {
  type Attach,
  type Fault,
  type Instance,
  joinCommand,
  parseRegistryFile,
  type RegistryState,
  settingsToWire,
  ValidationError,
} from '@mcp-platform/core-registry'
import { readUsers } from './exported-users.js'

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

const OTHER_VERSION: Fault = { path: 'version', message: 'this gateway reads exports of version 1' }
const HEAD = ['format', 'version', 'exported_at', 'users', 'checksum']

/** An imported document in its parts. */
export interface ImportParts {
  /** What the registry reads: an export without its head, any other document as it is. */
  readonly registry: unknown
  /** Absent: the document names no users. */
  readonly users?: readonly ImportedUser[] | undefined
}

/** Takes a document apart, and checks what only an export has. @throws ValidationError with every fault */
export function importParts(document: unknown): ImportParts {
  if (!isExport(document)) return { registry: document }
  requireChecksum(document)
  const registry = Object.fromEntries(Object.entries(document).filter(([name]) => !HEAD.includes(name)))
  const faults: Fault[] = []
  const { version, users } = document
  if (version !== 1) faults.push(OTHER_VERSION)
  const read = users === undefined ? undefined : readUsers(users, faults)
  // All faults come at once, those of the registry too.
  if (faults.length > 0) throw new ValidationError([...faults, ...parseRegistryFile(registry, 'import').faults])
  return { registry, users: read }
}

// Before anything else: what is wrong with a document that was damaged says nothing about the one that was meant.
function requireChecksum(document: Record<string, unknown>): void {
  const { checksum, version } = document
  if (checksum === undefined || checksum === checksumOf(document)) return
  const message = 'the export was damaged, or changed since it was made; without "checksum" it is taken as it is'
  throw new ValidationError([{ path: 'checksum', message }, ...(version === 1 ? [] : [OTHER_VERSION])])
}

/** The same document with its checksum. */
export function withChecksum(document: ExportDocument): ExportDocument {
  return { ...document, checksum: checksumOf(document) }
}

// Of the members in the order of their names: a document that was read and written again has the same one.
function checksumOf(document: object): string {
  const rest = Object.entries(document).filter(([name]) => name !== 'checksum')
  return `sha256:${createHash('sha256')
    .update(canonical(Object.fromEntries(rest)))
    .digest('hex')}`
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`
}

function isExport(document: unknown): document is Record<string, unknown> {
  return (
    typeof document === 'object' &&
    document !== null &&
    'format' in document &&
    document.format === 'mcp-platform-export'
  )
}
