import type { OnUpstreamEvent } from '../events.js'
import type { ClientInfo } from '../own-requests.js'
import type { LaunchSpec, StopGrace } from './child.js'
import { type ChildBudget, NodeChildBudget } from './child-budget.js'
import type { Sharing } from './legacy-children.js'
import type { ChildLedger } from './orphans.js'
import { DEFAULT_IDLE_STOP_MS, DEFAULT_START_TIMEOUT_MS } from './supervisor.js'

/** How a {@link StdioConnection} starts and shares its children. */
export interface StdioConnectionOptions {
  /** Program to start, never through a shell. A bare name is looked up in PATH. */
  readonly command: string
  /** @default [] */
  readonly args?: readonly string[] | undefined
  /** @default the working directory of this process */
  readonly workingDir?: string | undefined
  /** Added to HOME, LOGNAME, PATH, SHELL, TERM and USER of this process; nothing else is inherited. Secret. @default {} */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** `auto` asks `server/discover` in a child made for that. @default 'auto' */
  readonly protocol?: 'auto' | 'legacy' | 'modern' | undefined
  /** Who we say we are in requests of our own. */
  readonly clientInfo: ClientInfo
  /** Children that share the load of one key, at most. @default 1 */
  readonly poolSize?: number | undefined
  /**
   * Who shares a child of a legacy server; a modern server's children always serve everybody. A session whose client can
   * be asked something (elicitation, sampling, roots) has a child of its own in any case. @default 'per_principal'
   */
  readonly sharing?: Sharing | undefined
  /** A child that nobody used for so long is stopped, in milliseconds. @default 600_000 */
  readonly idleStopMs?: number | undefined
  /** From the start of a child to its first answer, in milliseconds. @default 30_000 */
  readonly startTimeoutMs?: number | undefined
  /** How long `server/discover` may stay unanswered before a server counts as legacy, in milliseconds. @default 10_000 */
  readonly discoverTimeoutMs?: number | undefined
  /** Longest line that a child may send, in bytes. @default 16_777_216 */
  readonly maxAnswerBytes?: number | undefined
  /** Names the instance towards the budget. @default '' */
  readonly instance?: string | undefined
  /** Bounds the children of all connections together. @default one of its own: 64 children, 4 per principal */
  readonly budget?: ChildBudget | undefined
  /** Remembers what runs, for the sweep of the next start. @default nothing is remembered */
  readonly ledger?: ChildLedger | undefined
  /** Patience when a child is stopped. @default 2 s after the end of its input, 5 s after SIGTERM */
  readonly stopGrace?: StopGrace | undefined
  readonly onEvent?: OnUpstreamEvent | undefined
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined
  /** In [0, 1): jitter of the backoff. @default Math.random */
  readonly random?: (() => number) | undefined
}

/** As {@link StdioConnectionOptions}, checked, with nothing left out. */
export interface StdioSettings {
  readonly spec: LaunchSpec
  readonly protocol: 'auto' | 'legacy' | 'modern'
  readonly clientInfo: ClientInfo
  readonly poolSize: number
  readonly sharing: Sharing
  readonly idleStopMs: number
  readonly startTimeoutMs: number
  readonly discoverTimeoutMs: number
  readonly maxAnswerBytes: number
  readonly instance: string
  readonly budget: ChildBudget
  readonly ledger: ChildLedger | undefined
  readonly stopGrace: StopGrace | undefined
  readonly onEvent: OnUpstreamEvent | undefined
  readonly now: () => number
  readonly random: () => number
}

/** A server that starts slowly answers late; one that ignores unknown requests must not cost half a minute. */
const DEFAULT_DISCOVER_TIMEOUT_MS = 10_000
const DEFAULT_MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** @throws RangeError for a number out of its range. */
export function stdioSettings(options: StdioConnectionOptions): StdioSettings {
  const { command, args = [], workingDir, env = {} } = options
  return {
    spec: { command, args: [...args], workingDir, env: { ...env } },
    protocol: options.protocol ?? 'auto',
    clientInfo: options.clientInfo,
    poolSize: positive('poolSize', options.poolSize ?? 1),
    sharing: options.sharing ?? 'per_principal',
    idleStopMs: positive('idleStopMs', options.idleStopMs ?? DEFAULT_IDLE_STOP_MS),
    startTimeoutMs: positive('startTimeoutMs', options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS),
    discoverTimeoutMs: positive('discoverTimeoutMs', options.discoverTimeoutMs ?? DEFAULT_DISCOVER_TIMEOUT_MS),
    maxAnswerBytes: positive('maxAnswerBytes', options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES),
    instance: options.instance ?? '',
    budget: options.budget ?? new NodeChildBudget(),
    ledger: options.ledger,
    stopGrace: options.stopGrace,
    onEvent: options.onEvent,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  }
}

// Timers of Node are 32 bits wide: a longer one fires at once.
const MAX = 0x7fff_ffff

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0 && value <= MAX) return value
  throw new RangeError(`mcp-upstream: ${name} must be an integer from 1 to ${MAX}, got ${value}`)
}
