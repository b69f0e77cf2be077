import { z } from 'zod'
import { endpointFault } from './endpoint.js'
import { check, type Fault, given, type Path, pathText } from './faults.js'
import { isObject } from './json.js'
import type { Attach, ProtocolSetting, StdioAttach, TlsIdentity } from './model.js'
import { instanceIdFault, profileNameFault, regionFault } from './names.js'
import { strictObject, text, textRecord, wholeNumber } from './schema.js'
import type { InstanceSpec } from './spec.js'
import { splitCommand } from './split-command.js'
import { envFault, headerFault, pemFault } from './upstream-secrets.js'

const MAX_ARGUMENTS = 256
const MAX_METADATA_CHARACTERS = 16_384
const MAX_IN_FLIGHT = 100_000

/** An instance as it stands in a file or a body, snake_case; see HTTP-API.md. */
export interface WireInstance extends WireCommand {
  id?: string | undefined
  endpoint?: string | undefined
  profile?: string | undefined
  headers?: Record<string, string> | undefined
  tls?: TlsIdentity | undefined
  transport?: 'auto' | 'http' | 'sse' | 'stdio' | undefined
  protocol?: ProtocolSetting | undefined
  weight?: number | undefined
  max_in_flight?: number | undefined
  region?: string | undefined
  metadata?: Record<string, unknown> | undefined
}

const weight = z.number().superRefine((value, context) => {
  if (value >= 0) return
  context.addIssue({
    code: 'custom',
    message: `expected a number of at least 0, got ${given(value)}`,
    input: undefined,
  })
})

/** A command as it stands in a file or a body. */
export interface WireCommand {
  command?: string | undefined
  args?: string[] | undefined
  working_dir?: string | undefined
  env?: Record<string, string> | undefined
}

/** Fields of a command; the functions below say what is wrong with them. */
export const COMMAND_FIELDS: { readonly [K in keyof Required<WireCommand>]: z.ZodType<WireCommand[K]> } = {
  command: text(commandFault).optional(),
  args: z.array(text(argumentFault)).max(MAX_ARGUMENTS).optional(),
  working_dir: text(workingDirFault).optional(),
  env: textRecord(envFault).optional(),
}

const tls: z.ZodType<TlsIdentity> = strictObject({
  ca: text((pem) => pemFault(pem, 'CERTIFICATE')).optional(),
  cert: text((pem) => pemFault(pem, 'CERTIFICATE')).optional(),
  key: text((pem) => pemFault(pem, 'PRIVATE KEY')).optional(),
}).superRefine(({ ca, cert, key }, context) => {
  const report = (message: string) => context.addIssue({ code: 'custom', message, input: undefined })
  if ((cert === undefined) !== (key === undefined)) report('"cert" and "key" go together')
  if (ca === undefined && cert === undefined && key === undefined) report('give "ca", or "cert" and "key"')
})

const instance: z.ZodType<WireInstance> = strictObject({
  id: text(instanceIdFault).optional(),
  endpoint: text(endpointFault).optional(),
  ...COMMAND_FIELDS,
  profile: text(profileNameFault).optional(),
  headers: textRecord(headerFault).optional(),
  tls: tls.optional(),
  transport: z.enum(['auto', 'http', 'sse', 'stdio']).optional(),
  protocol: z.enum(['auto', 'legacy', 'modern']).optional(),
  weight: weight.optional(),
  max_in_flight: wholeNumber(1, MAX_IN_FLIGHT).optional(),
  region: text(regionFault).optional(),
  metadata: z.record(z.string(), z.unknown()).superRefine(checkMetadata).optional(),
})

/** The weight of a PATCH, by the same rule. */
export const weightSchema: z.ZodType<number> = weight

/** Reads one instance of a template; every fault is appended to `faults`. Undefined when there was one. */
export function parseInstance(template: string, input: unknown, at: Path, faults: Fault[]): InstanceSpec | undefined {
  const before = faults.length
  const wire = check(instance, input, at, faults)
  if (isObject(input)) checkTogether(input, at, faults)
  if (wire === undefined || faults.length > before) return undefined
  return toSpec(template, wire)
}

const WAYS = ['endpoint', 'command', 'profile'] as const
type Way = (typeof WAYS)[number]

const WAYS_TEXT = 'give "endpoint" (a URL), "command" (a program) or "profile" (a launch profile of the gateway)'

// What goes with one way only.
const COMPANIONS: Readonly<Record<string, Way>> = {
  args: 'command',
  working_dir: 'command',
  env: 'command',
  headers: 'endpoint',
  tls: 'endpoint',
}

// Asked of the raw input, so that these faults come together with those of single fields.
function checkTogether(input: Record<string, unknown>, at: Path, faults: Fault[]): void {
  const ways = WAYS.filter((name) => input[name] !== undefined)
  const [way, second] = ways
  const report = (name: string, message: string) => faults.push({ path: pathText([...at, name]), message })
  if (way === undefined) report('endpoint', `is missing: ${WAYS_TEXT}`)
  else if (second !== undefined) report(way, `only one can be given: ${WAYS_TEXT}, not ${ways.join(' and ')}`)
  else checkCompanions(input, way, report)
  checkHeaderNames(input['headers'], [...at, 'headers'], faults)
}

function checkCompanions(
  input: Record<string, unknown>,
  way: Way,
  report: (name: string, message: string) => void,
): void {
  for (const [name, companion] of Object.entries(COMPANIONS)) {
    if (input[name] !== undefined && companion !== way) report(name, `goes with "${companion}", not with "${way}"`)
  }
  const { transport, endpoint } = input
  if (input['tls'] !== undefined && typeof endpoint === 'string' && !/^https:/i.test(endpoint)) {
    report('tls', 'goes with an https URL')
  }
  if (way === 'endpoint' && transport === 'stdio') report('transport', 'goes with "command", not with "endpoint"')
  if (way !== 'endpoint' && (transport === 'http' || transport === 'sse')) {
    report('transport', `goes with "endpoint", not with "${way}"`)
  }
}

function checkHeaderNames(headers: unknown, at: Path, faults: Fault[]): void {
  if (!isObject(headers)) return
  const seen = new Set<string>()
  for (const name of Object.keys(headers)) {
    const lower = name.toLowerCase()
    if (seen.has(lower)) faults.push({ path: pathText([...at, name]), message: 'is given twice (names ignore case)' })
    seen.add(lower)
  }
}

function toSpec(template: string, wire: WireInstance): InstanceSpec {
  return {
    template,
    ...(wire.id === undefined ? {} : { id: wire.id }),
    attach: toAttach(wire),
    protocol: wire.protocol ?? 'auto',
    weight: wire.weight ?? 1,
    ...(wire.max_in_flight === undefined ? {} : { maxInFlight: wire.max_in_flight }),
    ...(wire.region === undefined ? {} : { region: wire.region }),
    metadata: wire.metadata ?? {},
  }
}

function toAttach(wire: WireInstance): Attach {
  if (wire.endpoint !== undefined) {
    const transport = wire.transport === 'http' || wire.transport === 'sse' ? wire.transport : 'auto'
    const identity = wire.tls === undefined ? {} : { tls: wire.tls }
    return { kind: 'http', url: wire.endpoint, transport, headers: lowerCaseNames(wire.headers ?? {}), ...identity }
  }
  if (wire.profile !== undefined) return { kind: 'profile', profile: wire.profile }
  return toStdio(wire)
}

/** The child process that a command line with its companions means. */
export function toStdio(wire: WireCommand): StdioAttach {
  const split = splitCommand(wire.command ?? '')
  const [command = '', ...args] = 'words' in split ? split.words : []
  return {
    kind: 'stdio',
    command,
    args: [...args, ...(wire.args ?? [])],
    ...(wire.working_dir === undefined ? {} : { workingDir: wire.working_dir }),
    env: wire.env ?? {},
  }
}

function lowerCaseNames(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function commandFault(command: string): string | undefined {
  const split = splitCommand(command)
  return 'fault' in split ? split.fault : undefined
}

function argumentFault(argument: string): string | undefined {
  return argument.includes('\0') ? 'must not hold a NUL character' : undefined
}

function workingDirFault(folder: string): string | undefined {
  if (folder.includes('\0')) return 'must not hold a NUL character'
  if (folder.startsWith('/') || /^[A-Za-z]:[\\/]/.test(folder)) return undefined
  return `must be an absolute path, got ${given(folder)}`
}

function checkMetadata(metadata: Record<string, unknown>, context: z.RefinementCtx): void {
  const size = JSON.stringify(metadata).length
  if (size <= MAX_METADATA_CHARACTERS) return
  const message = `must have at most ${MAX_METADATA_CHARACTERS} characters as JSON, got ${size}`
  context.addIssue({ code: 'custom', message, input: undefined })
}
