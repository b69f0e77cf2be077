import { z } from 'zod'
import { given } from './faults.js'
import type { HealthCheck, TemplateSettings } from './model.js'
import { aliasFault } from './names.js'
import { strictObject, text, wholeNumber } from './schema.js'
import { joinCommand, splitCommand } from './split-command.js'

/** One setting: its place on the wire (snake_case, seconds), its place in the model, and how to convert. */
export interface SettingField {
  /** `group` and `name`, or a name alone. */
  readonly wire: readonly [string, string] | readonly [string]
  readonly model: readonly [keyof TemplateSettings, string] | readonly [keyof TemplateSettings]
  readonly schema: z.ZodType
  toModel(value: unknown): unknown
  toWire(value: unknown): unknown
}

const DAY = 86_400
/** The longest a call may take, in seconds. */
const MAX_TOTAL_SECONDS = 3_600

const same = { toModel: (value: unknown) => value, toWire: (value: unknown) => value }
const inSeconds = {
  toModel: (value: unknown) => Math.round(Number(value) * 1_000),
  toWire: (value: unknown) => Number(value) / 1_000,
}

/** Every setting of a template, in the order of the wire form. */
export const SETTING_FIELDS: readonly SettingField[] = [
  plain(['load_balancer', 'strategy'], ['strategy'], z.enum(strategyNames())),
  time(['load_balancer', 'health_check_interval'], ['healthCheckIntervalMs'], 0.1, DAY),
  time(['load_balancer', 'health_check_timeout'], ['healthCheckTimeoutMs'], 0.1, 600),
  plain(['load_balancer', 'max_retries'], ['maxRetries'], wholeNumber(0, 100)),
  // The seed's name; `timeouts.total` is the same setting.
  time(['load_balancer', 'timeout'], ['timeouts', 'totalMs'], 0.1, MAX_TOTAL_SECONDS),
  plain(['load_balancer', 'max_in_flight'], ['maxInFlight'], wholeNumber(1, 100_000)),
  plain(['load_balancer', 'queue_size'], ['queueSize'], wholeNumber(0, 100_000)),
  time(['load_balancer', 'queue_timeout'], ['queueTimeoutMs'], 0, 600),
  time(['timeouts', 'connect'], ['timeouts', 'connectMs'], 0.01, 600),
  time(['timeouts', 'first_byte'], ['timeouts', 'firstByteMs'], 0.01, MAX_TOTAL_SECONDS),
  time(['timeouts', 'call_first_byte'], ['timeouts', 'callFirstByteMs'], 0.01, MAX_TOTAL_SECONDS),
  time(['timeouts', 'idle'], ['timeouts', 'idleMs'], 0.1, MAX_TOTAL_SECONDS),
  time(['timeouts', 'total'], ['timeouts', 'totalMs'], 0.1, MAX_TOTAL_SECONDS),
  { wire: ['health_check'], model: ['healthCheck'], schema: healthCheck(), toModel: readCheck, toWire: writeCheck },
  plain(['failover', 'trust_annotations'], ['failover', 'trustAnnotations'], z.boolean()),
  plain(['failover', 'refusal_is_before_execution'], ['failover', 'refusalIsBeforeExecution'], z.boolean()),
  plain(['failover', 'retry_reads'], ['failover', 'retryReads'], z.boolean()),
  plain(['failover', 'tools'], ['failover', 'tools'], z.record(z.string(), z.enum(['safe', 'never']))),
  plain(['affinity'], ['affinity'], affinity()),
  plain(['stdio', 'pool_size'], ['stdio', 'poolSize'], wholeNumber(1, 64)),
  plain(['stdio', 'sharing'], ['stdio', 'sharing'], z.enum(['shared', 'per_principal', 'exclusive'])),
  time(['stdio', 'idle_stop'], ['stdio', 'idleStopMs'], 1, DAY),
  plain(['protocol'], ['protocol'], z.enum(['auto', 'legacy', 'modern'])),
  plain(['audit'], ['audit'], z.enum(['off', 'calls', 'calls_with_arguments'])),
  plain(['alias'], ['alias'], text(aliasFault)),
  plain(['max_answer_bytes'], ['maxAnswerBytes'], wholeNumber(1_024, 1_073_741_824)),
]

function plain(wire: SettingField['wire'], model: SettingField['model'], schema: z.ZodType): SettingField {
  return { wire, model, schema, ...same }
}

function time(wire: SettingField['wire'], model: SettingField['model'], min: number, max: number): SettingField {
  const schema = z.number().superRefine((value, context) => {
    if (value >= min && value <= max) return
    const message = `expected seconds from ${min} to ${max}, got ${given(value)}`
    context.addIssue({ code: 'custom', message, input: undefined })
  })
  return { wire, model, schema, ...inSeconds }
}

function strategyNames(): [TemplateSettings['strategy'], ...TemplateSettings['strategy'][]] {
  return ['round_robin', 'least_connections', 'weighted', 'health_based', 'random', 'peak_ewma', 'rendezvous']
}

function healthCheck(): z.ZodType {
  return z.discriminatedUnion('kind', [
    strictObject({ kind: z.literal('mcp') }),
    strictObject({
      kind: z.literal('tool'),
      name: z.string().min(1).max(256),
      arguments: z.record(z.string(), z.unknown()).optional(),
    }),
    strictObject({
      kind: z.literal('http'),
      path: text(pathFault),
      status: wholeNumber(100, 599).optional(),
    }),
    strictObject({ kind: z.literal('command'), command: text(commandFault), args: z.array(z.string()).optional() }),
  ])
}

function affinity(): z.ZodType {
  return strictObject({
    by: z.enum(['header', 'principal', 'argument']),
    name: z.string().min(1).max(128).optional(),
  }).superRefine((value, context) => {
    if (value.by === 'principal' || value.name !== undefined) return
    context.addIssue({ code: 'custom', path: ['name'], message: `is required: which ${value.by}`, input: undefined })
  })
}

function pathFault(path: string): string | undefined {
  if (/^\/(?!\/)[!-~]*$/.test(path)) return undefined
  return `must be a path that begins with one "/", without spaces, got ${given(path)}`
}

function commandFault(command: string): string | undefined {
  const split = splitCommand(command)
  return 'fault' in split ? split.fault : undefined
}

type WireCheck =
  | { kind: 'mcp' }
  | { kind: 'tool'; name: string; arguments?: Record<string, unknown> }
  | { kind: 'http'; path: string; status?: number }
  | { kind: 'command'; command: string; args?: string[] }

function readCheck(value: unknown): HealthCheck {
  const check = value as WireCheck
  if (check.kind === 'tool') return { kind: 'tool', name: check.name, arguments: check.arguments ?? {} }
  if (check.kind !== 'command') return check
  const split = splitCommand(check.command)
  const [command = '', ...args] = 'words' in split ? split.words : []
  return { kind: 'command', command, args: [...args, ...(check.args ?? [])] }
}

function writeCheck(value: unknown): unknown {
  const check = value as HealthCheck
  return check.kind === 'command' ? { ...check, command: joinCommand([check.command]) } : check
}
