import { ValidationError } from './errors.js'
import { check, type Fault, type Path, pathText } from './faults.js'
import { isObject, sameJson } from './json.js'
import type { Instance, PartialTemplateSettings, TemplateSettings } from './model.js'
import { SETTING_FIELDS, type SettingField } from './setting-fields.js'

/** What holds where nothing was set. Reasons and sources: BALANCING.md, "Limits, queue, deadline". */
export const DEFAULT_SETTINGS: TemplateSettings = {
  strategy: 'round_robin',
  healthCheckIntervalMs: 30_000,
  healthCheckTimeoutMs: 10_000,
  maxRetries: 3,
  maxInFlight: 64,
  // A child answers over one pipe; more than this only queues inside it.
  stdioMaxInFlight: 16,
  // 200 callers of one stdio child (16 at once) must all be served: a queue of 128 turned 56 of them away.
  queueSize: 256,
  queueTimeoutMs: 5_000,
  timeouts: { connectMs: 2_000, firstByteMs: 15_000, idleMs: 60_000, totalMs: 300_000 },
  healthCheck: { kind: 'mcp' },
  failover: { trustAnnotations: false, refusalIsBeforeExecution: false, retryReads: true, tools: {} },
  stdio: { poolSize: 1, idleStopMs: 600_000 },
  protocol: 'auto',
  audit: 'off',
  maxAnswerBytes: 16 * 1_024 * 1_024,
}

/** Settings to lay over others: a `null` leaf resets that one. Made by {@link parseSettingsPatch}. */
export type SettingsPatch = ReadonlyMap<SettingField, unknown>

type Tree = Record<string, unknown>

/**
 * Reads settings in their wire form (snake_case, seconds).
 * @throws ValidationError with every fault
 */
export function parseSettings(input: unknown): PartialTemplateSettings {
  const faults: Fault[] = []
  const settings = readSettings(input, [], faults)
  if (faults.length > 0) throw new ValidationError(faults)
  return settings
}

/** The same for one of several parts of a document: faults are appended under `at`. */
export function readSettings(input: unknown, at: Path, faults: Fault[]): PartialTemplateSettings {
  return applyPatch({}, readPatch(input, at, faults, false))
}

/**
 * Reads a PATCH of settings: as {@link parseSettings}, and `null` resets a setting or a whole group.
 * @throws ValidationError with every fault
 */
export function parseSettingsPatch(input: unknown): SettingsPatch {
  const faults: Fault[] = []
  const patch = readPatch(input, [], faults, true)
  if (faults.length > 0) throw new ValidationError(faults)
  return patch
}

/** Lays a patch over settings; what it does not name stays. */
export function applyPatch(settings: PartialTemplateSettings, patch: SettingsPatch): PartialTemplateSettings {
  const tree: Tree = structuredClone({ ...settings })
  for (const [field, value] of patch) put(tree, field.model, value === null ? undefined : value)
  return tree as PartialTemplateSettings
}

/** `over` laid over `base`, setting by setting. */
export function mergeSettings(base: PartialTemplateSettings, over: PartialTemplateSettings): PartialTemplateSettings {
  const tree: Tree = structuredClone({ ...base })
  for (const field of SETTING_FIELDS) {
    const value = get(over, field.model)
    if (value !== undefined) put(tree, field.model, value)
  }
  return tree as PartialTemplateSettings
}

/** The wire form of what is set; nothing is left out and nothing is added. Holds no secret. */
export function settingsToWire(settings: PartialTemplateSettings): Record<string, unknown> {
  const wire: Tree = {}
  const written = new Set<string>()
  for (const field of SETTING_FIELDS) {
    const value = get(settings, field.model)
    const key = field.model.join('.')
    if (value === undefined || written.has(key)) continue
    put(wire, field.wire, field.toWire(value))
    written.add(key)
  }
  return wire
}

/**
 * All settings, nothing left out: what was set, else the gateway's defaults, else {@link DEFAULT_SETTINGS}.
 * @param defaults the operator's own defaults for all templates, from flags or configuration
 */
export function effectiveSettings(
  settings: PartialTemplateSettings,
  defaults: PartialTemplateSettings = {},
): TemplateSettings {
  const set = mergeSettings(defaults, settings)
  const { timeouts, failover, stdio } = DEFAULT_SETTINGS
  return {
    ...DEFAULT_SETTINGS,
    ...present(set),
    stdioMaxInFlight: set.maxInFlight ?? DEFAULT_SETTINGS.stdioMaxInFlight,
    timeouts: { ...timeouts, ...present(set.timeouts) },
    failover: { ...failover, ...present(set.failover) },
    stdio: { ...stdio, ...present(set.stdio) },
  }
}

/** How many calls an instance may have in flight: its own limit, else the template's for its kind. */
export function instanceMaxInFlight(
  instance: Pick<Instance, 'attach' | 'maxInFlight'>,
  settings: TemplateSettings,
): number {
  if (instance.maxInFlight !== undefined) return instance.maxInFlight
  return instance.attach.kind !== 'http' ? (settings.stdioMaxInFlight ?? settings.maxInFlight) : settings.maxInFlight
}

/** True when nothing is set. */
export function isEmptySettings(settings: PartialTemplateSettings | undefined): boolean {
  return settings === undefined || SETTING_FIELDS.every((field) => get(settings, field.model) === undefined)
}

/** True when both set the same. */
export function sameSettings(a: PartialTemplateSettings | undefined, b: PartialTemplateSettings | undefined): boolean {
  return sameJson(settingsToWire(a ?? {}), settingsToWire(b ?? {}))
}

/** Only the fields that have a value: an explicit undefined must not hide a default. */
function present<T extends object>(value: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(value ?? {}).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function readPatch(input: unknown, at: Path, faults: Fault[], nullable: boolean): SettingsPatch {
  const patch = new Map<SettingField, unknown>()
  if (!isObject(input)) {
    faults.push({ path: pathText(at), message: 'expected an object of settings' })
    return patch
  }
  reportUnknown(input, at, faults, nullable)
  for (const field of SETTING_FIELDS) readField(field, input, { at, faults, nullable, patch })
  return patch
}

interface Reading {
  readonly at: Path
  readonly faults: Fault[]
  readonly nullable: boolean
  readonly patch: Map<SettingField, unknown>
}

function readField(field: SettingField, input: Tree, reading: Reading): void {
  const value = wireValue(input, field, reading.nullable)
  if (value === undefined) return
  const path = [...reading.at, ...field.wire]
  const parsed = value === null && reading.nullable ? null : check(field.schema, value, path, reading.faults)
  if (parsed === undefined) return
  const converted = parsed === null ? null : field.toModel(parsed)
  reportContradiction(field, converted, path, reading)
  reading.patch.set(field, converted)
}

function wireValue(input: Tree, field: SettingField, nullable: boolean): unknown {
  const [first, second] = field.wire
  const value = input[first]
  if (second === undefined) return value
  if (value === null && nullable) return null
  return isObject(value) ? value[second] : undefined
}

// load_balancer.timeout and timeouts.total are one setting under two names.
function reportContradiction(field: SettingField, value: unknown, path: Path, { patch, faults }: Reading): void {
  for (const [other, otherValue] of patch) {
    if (other.model.join('.') !== field.model.join('.') || sameJson(value, otherValue)) continue
    const message = `contradicts ${other.wire.join('.')}: the two are the same setting, give one of them`
    faults.push({ path: pathText(path), message })
  }
}

function reportUnknown(input: Tree, at: Path, faults: Fault[], nullable: boolean): void {
  for (const [name, value] of Object.entries(input)) {
    const members = GROUPS.get(name)
    if (members === undefined) report(name)
    else if (members.size > 0 && value !== undefined && !(value === null && nullable)) reportGroup(name, value, members)
  }

  function report(name: string, ...rest: string[]): void {
    const known = rest.length === 0 ? GROUPS.keys() : (GROUPS.get(name) ?? [])
    faults.push({ path: pathText([...at, name, ...rest]), message: `unknown field; known fields are ${list(known)}` })
  }

  function reportGroup(name: string, value: unknown, members: ReadonlySet<string>): void {
    if (!isObject(value)) faults.push({ path: pathText([...at, name]), message: 'expected an object' })
    else for (const member of Object.keys(value)) if (!members.has(member)) report(name, member)
  }
}

/** Names at the root and, for groups, the names in them. */
const GROUPS: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const groups = new Map<string, Set<string>>()
  for (const { wire } of SETTING_FIELDS) {
    const members = groups.get(wire[0]) ?? new Set<string>()
    if (wire[1] !== undefined) members.add(wire[1])
    groups.set(wire[0], members)
  }
  return groups
})()

function list(names: Iterable<string>): string {
  return [...names].join(', ')
}

function get(tree: object, path: readonly string[]): unknown {
  let value: unknown = tree
  for (const name of path) value = isObject(value) ? value[name] : undefined
  return value
}

/** Sets one leaf, one or two levels down; undefined removes it, and its group when that is empty then. */
function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [first = '', second] = path
  assign(tree, first, second === undefined ? value : groupWith(tree[first], second, value))
}

function groupWith(before: unknown, name: string, value: unknown): Tree | undefined {
  const group = isObject(before) ? { ...before } : {}
  assign(group, name, value)
  return Object.keys(group).length === 0 ? undefined : group
}

function assign(tree: Tree, name: string, value: unknown): void {
  if (value === undefined) delete tree[name]
  else tree[name] = value
}
