import type { Fault } from './faults.js'
import { isObject } from './json.js'

/** Every code an error of this package can carry. Stable. */
export type RegistryErrorCode =
  | 'REGISTRY_INVALID'
  | 'REGISTRY_CONFLICT'
  | 'REGISTRY_STALE'
  | 'REGISTRY_TEMPLATE_NOT_FOUND'
  | 'REGISTRY_INSTANCE_NOT_FOUND'
  | 'REGISTRY_FILE_UNREADABLE'

/** Base of all errors of this package: tell them apart by `code`. */
export abstract class RegistryError extends Error {
  abstract readonly code: RegistryErrorCode
  override get name(): string {
    return this.constructor.name
  }
}

/** The input is well-formed but not acceptable. `errors` holds every fault, not only the first; never a secret. */
export class ValidationError extends RegistryError {
  readonly code = 'REGISTRY_INVALID'
  readonly errors: readonly Fault[]

  constructor(errors: readonly Fault[]) {
    super(errors.map((fault) => (fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`)).join('; '))
    this.errors = errors
  }
}

/** Why an id could not be taken: the same source holds it with another spec, or another source holds it. */
export type ConflictReason = 'different-spec' | 'other-source'

/** The id is taken. `owner` names the source that has it (`api`, `file:<path>`, …). */
export class RegistryConflictError extends RegistryError {
  readonly code = 'REGISTRY_CONFLICT'
  readonly template: string
  readonly instanceId: string
  readonly owner: string
  readonly reason: ConflictReason

  constructor(facts: { template: string; instanceId: string; owner: string; reason: ConflictReason }) {
    super(conflictText(facts))
    this.template = facts.template
    this.instanceId = facts.instanceId
    this.owner = facts.owner
    this.reason = facts.reason
  }
}

/** No template of that name. */
export class TemplateNotFoundError extends RegistryError {
  readonly code = 'REGISTRY_TEMPLATE_NOT_FOUND'
  readonly template: string

  constructor(template: string) {
    super(`there is no template ${JSON.stringify(template)}`)
    this.template = template
  }
}

/** The template has no instance of that id. */
export class InstanceNotFoundError extends RegistryError {
  readonly code = 'REGISTRY_INSTANCE_NOT_FOUND'
  readonly template: string
  readonly instanceId: string

  constructor(template: string, instanceId: string) {
    super(`template ${JSON.stringify(template)} has no instance ${JSON.stringify(instanceId)}`)
    this.template = template
    this.instanceId = instanceId
  }
}

/** Another writer was faster. The registry retries by itself; you see it only when that keeps happening. */
export class RegistryStaleError extends RegistryError {
  readonly code = 'REGISTRY_STALE'
  readonly expectedVersion: number
  readonly version: number

  constructor(expectedVersion: number, version: number) {
    super(`the registry is at version ${version}, the change was decided on version ${expectedVersion}`)
    this.expectedVersion = expectedVersion
    this.version = version
  }
}

/** A registry file is missing, not readable, or not JSON. */
export class RegistryFileError extends RegistryError {
  readonly code = 'REGISTRY_FILE_UNREADABLE'
  readonly path: string

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`registry file ${path}: ${reason}`, options)
    this.path = path
  }
}

/** True for the rejection by which a store says that another writer was faster; stores may use a class of their own. */
export function isStale(error: unknown): boolean {
  return isObject(error) && error['code'] === 'REGISTRY_STALE'
}

function conflictText(facts: { template: string; instanceId: string; owner: string; reason: ConflictReason }): string {
  const name = `instance ${JSON.stringify(facts.instanceId)} of template ${JSON.stringify(facts.template)}`
  if (facts.reason === 'other-source') return `${name} belongs to the source ${JSON.stringify(facts.owner)}`
  return `${name} is registered with another specification; replace it explicitly or choose another id`
}
