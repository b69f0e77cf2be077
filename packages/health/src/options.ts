import { type CircuitOptions, type CircuitSettings, DEFAULT_CIRCUIT } from './circuit.js'
import type { HealthEvent } from './events.js'
import type { Probe } from './probe.js'
import { type Scheduler, systemScheduler } from './scheduler.js'
import type { StoredCircuit } from './store.js'
import type { Target } from './target.js'

/** Times are in milliseconds, ratios and shares 0..1. */
export interface HealthMonitorOptions<T extends Target> {
  /** How a target is asked whether it can serve. */
  readonly probe: Probe<T>
  /**
   * False for a target that somebody else probes: no probe falls due here while it is fit, nothing is doubtful and no call
   * used it within the last `intervalMs`. Asked each time that a probe would fall due; synchronous. @default all are probed
   */
  readonly shouldProbe?: ((target: T) => boolean) | undefined
  /** What to watch at first; `update` changes it. @default none */
  readonly targets?: readonly T[] | undefined
  /** Name of this set of targets in events and stored circuits (for a gateway: the template). @default '' */
  readonly group?: string | undefined
  /** Time between two probes of a healthy target. >= 10. @default 30_000 */
  readonly intervalMs?: number | undefined
  /** A probe that takes longer counts as failed. >= 1. @default 10_000 */
  readonly timeoutMs?: number | undefined
  /** Failed probes in a row that make a target unhealthy. Integer >= 1. @default 3 */
  readonly fall?: number | undefined
  /** Passed probes in a row that make it healthy again; the very first time one is enough. Integer >= 1. @default 2 */
  readonly rise?: number | undefined
  /** Intervals vary by this part. @default 0.1 */
  readonly jitterRatio?: number | undefined
  /** Interval while a verdict builds up and right after it changed. >= 10. @default 1_000 */
  readonly edgeIntervalMs?: number | undefined
  /** First interval while a target is down; doubles with each failed probe. >= 10. @default 2_000 */
  readonly downMinIntervalMs?: number | undefined
  /** Longest interval while a target is down. >= downMinIntervalMs. @default 30_000 */
  readonly downMaxIntervalMs?: number | undefined
  /** Probes that run at once, over all targets. Integer >= 1. @default 16 */
  readonly maxConcurrentProbes?: number | undefined
  /** `start` resolves after this time even if some target was not probed yet. >= 1. @default timeoutMs + 1_000 */
  readonly startTimeoutMs?: number | undefined
  /** How long a target that came back (or came late) takes to its full share; 0 = no slow start. @default 30_000 */
  readonly slowStartMs?: number | undefined
  /** Share at the begin of slow start. @default 0.1 */
  readonly slowStartMinShare?: number | undefined
  /** With fewer active targets there is no slow start: the others could not carry the load. Integer >= 1. @default 3 */
  readonly slowStartMinTargets?: number | undefined
  /** A failure ratio above this makes a target degraded (half its share). @default 0.2 */
  readonly degradedFailureRatio?: number | undefined
  /** When calls eject a target, and for how long. */
  readonly circuit?: CircuitOptions | undefined
  /** At most this part of the active targets is ejected by outcome (of two: one; the only one: never); 0 = no ejection. @default 0.5 */
  readonly maxEjectedRatio?: number | undefined
  /** When a smaller part is available, ejected and unhealthy targets get traffic again; 0 = never. @default 0 */
  readonly panicBelowRatio?: number | undefined
  /** Circuits from before a restart; the same as calling `restore` first. @default none */
  readonly circuits?: readonly StoredCircuit[] | undefined
  /** Monotonic clock and timers. @default performance.now and unref'd setTimeout */
  readonly scheduler?: Scheduler | undefined
  /** Wall clock, for what people and stores see. @default () => new Date() */
  readonly wallClock?: (() => Date) | undefined
  /** 0 <= x < 1. @default Math.random */
  readonly random?: (() => number) | undefined
  /** Hears everything that happens. Called synchronously; keep it cheap. What it throws is thrown again outside of the monitor. */
  readonly onEvent?: ((event: HealthEvent) => void) | undefined
}

/** HAProxy's thresholds (fall 3, rise 2), the interval of the seed, Envoy's slow start. */
export const DEFAULTS = {
  intervalMs: 30_000,
  timeoutMs: 10_000,
  fall: 3,
  rise: 2,
  jitterRatio: 0.1,
  edgeIntervalMs: 1_000,
  downMinIntervalMs: 2_000,
  downMaxIntervalMs: 30_000,
  maxConcurrentProbes: 16,
  slowStartMs: 30_000,
  slowStartMinShare: 0.1,
  slowStartMinTargets: 3,
  degradedFailureRatio: 0.2,
  maxEjectedRatio: 0.5,
  panicBelowRatio: 0,
} as const

/** All numbers with their values. */
export type Settings = { readonly [K in keyof typeof DEFAULTS | 'startTimeoutMs']: number } & {
  readonly group: string
  readonly circuit: CircuitSettings
  readonly scheduler: Scheduler
  readonly wallClock: () => Date
  readonly random: () => number
}

/** Fills in the defaults. @throws RangeError naming the first option that is out of range. */
export function resolveSettings<T extends Target>(options: HealthMonitorOptions<T>): Settings {
  const settings: Settings = {
    ...DEFAULTS,
    startTimeoutMs: (options.timeoutMs ?? DEFAULTS.timeoutMs) + 1_000,
    ...pickNumbers(options, [...numberNames(DEFAULTS), 'startTimeoutMs']),
    group: options.group ?? '',
    circuit: { ...DEFAULT_CIRCUIT, ...pickNumbers(options.circuit ?? {}, numberNames(DEFAULT_CIRCUIT)) },
    scheduler: options.scheduler ?? systemScheduler,
    wallClock: options.wallClock ?? (() => new Date()),
    random: options.random ?? Math.random,
  }
  checkSettings(settings)
  checkCircuit(settings.circuit)
  return settings
}

function checkSettings(settings: Settings): void {
  for (const name of ['intervalMs', 'edgeIntervalMs', 'downMinIntervalMs'] as const) atLeast(name, settings[name], 10)
  for (const name of ['timeoutMs', 'startTimeoutMs'] as const) atLeast(name, settings[name], 1)
  for (const name of ['fall', 'rise', 'maxConcurrentProbes', 'slowStartMinTargets'] as const)
    count(name, settings[name])
  for (const name of ['jitterRatio', 'slowStartMinShare', 'degradedFailureRatio'] as const) ratio(name, settings[name])
  for (const name of ['maxEjectedRatio', 'panicBelowRatio'] as const) ratio(name, settings[name])
  atLeast('slowStartMs', settings.slowStartMs, 0)
  atLeast('downMaxIntervalMs', settings.downMaxIntervalMs, settings.downMinIntervalMs)
}

function checkCircuit(circuit: CircuitSettings): void {
  for (const name of ['consecutiveFailures', 'minCalls', 'successesToClose'] as const)
    count(`circuit.${name}`, circuit[name])
  for (const name of ['minSuccessRatio', 'jitterRatio'] as const) ratio(`circuit.${name}`, circuit[name])
  for (const name of ['windowMs', 'openMs'] as const) atLeast(`circuit.${name}`, circuit[name], 10)
  atLeast('circuit.maxOpenMs', circuit.maxOpenMs, circuit.openMs)
}

function atLeast(name: string, value: number, least: number): void {
  if (Number.isFinite(value) && value >= least) return
  throw new RangeError(`health: ${name} must be a finite number >= ${least}, got ${value}`)
}

function count(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return
  throw new RangeError(`health: ${name} must be an integer >= 1, got ${value}`)
}

function ratio(name: string, value: number): void {
  if (value >= 0 && value <= 1) return
  throw new RangeError(`health: ${name} must be between 0 and 1, got ${value}`)
}

function numberNames<K extends string>(defaults: Readonly<Record<K, number>>): K[] {
  return Object.keys(defaults) as K[]
}

// An option that is present but undefined means its default, so it must not overwrite it in a spread.
function pickNumbers<K extends string>(
  source: { readonly [P in K]?: number | undefined },
  names: readonly K[],
): { [P in K]?: number } {
  const picked: { [P in K]?: number } = {}
  for (const name of names) {
    const value = source[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}
