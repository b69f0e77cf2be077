import type { ProbeRecord } from './probe-record.js'

/** The part of the settings that says how often to probe. */
export interface Cadence {
  readonly intervalMs: number
  readonly edgeIntervalMs: number
  readonly downMinIntervalMs: number
  readonly downMaxIntervalMs: number
  readonly jitterRatio: number
}

/**
 * How long to wait before the next probe: short while a verdict builds up, backing off while the target is down, else the plain
 * interval; jittered, so that the probes of many monitors do not fall into step.
 */
export function nextProbeDelayMs(record: ProbeRecord, cadence: Cadence, random: () => number): number {
  return plainDelayMs(record, cadence) * (1 + cadence.jitterRatio * (2 * random() - 1))
}

function plainDelayMs(record: ProbeRecord, cadence: Cadence): number {
  if (record.edge) return Math.min(cadence.edgeIntervalMs, cadence.intervalMs)
  if (record.state.state !== 'unfit') return cadence.intervalMs
  return Math.min(cadence.downMinIntervalMs * 2 ** record.failuresSinceDown, cadence.downMaxIntervalMs)
}

/** A random moment of the next interval: probes that began together at start spread over it. */
export function spreadDelayMs(cadence: Cadence, random: () => number): number {
  return cadence.intervalMs * (0.1 + 0.9 * random())
}
