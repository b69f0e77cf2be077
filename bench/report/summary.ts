import type { Upstream } from '../contestants.ts'
import type { Dialect } from '../load/dialects.ts'
import type { CaseResult, Measured } from '../measure/rounds.ts'
import { median, spreadRatio } from '../measure/statistics.ts'

/** One line of the report. */
export interface Row {
  readonly upstream: Upstream
  readonly connections: number
  readonly name: string
  readonly dialect: Dialect
  /** Absent when the case failed. */
  readonly figures?: Figures | undefined
  readonly error?: string | undefined
}

/** Medians over the rounds. */
export interface Timings {
  readonly requestsPerSecond: number
  /** Half the range of the rounds over their median. */
  readonly spreadRatio: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** User and system time of the contestant per request; 0 for direct. */
  readonly cpuMicroseconds: number
}

/** Medians over the rounds, beside those of the others. */
export interface Figures extends Timings {
  /** Throughput over that of the named row of the same group; absent where that row is. */
  readonly ratioTo: Readonly<Record<'direct' | 'nginx' | 'raw-proxy' | 'express-proxy', number | undefined>>
}

/** Everything that a run found. */
export interface Summary {
  readonly rows: readonly Row[]
  /** Median share (0..1) of the machine that others used. */
  readonly foreignShare: number
  /** Answers that were wrong, in words; empty if none was. */
  readonly faults: readonly string[]
}

/** Condenses samples into rows. */
export function summarize(results: readonly CaseResult[]): Summary {
  const samples = results.flatMap((result) => result.samples)
  return {
    rows: results.map((result) => rowOf(result, results)),
    foreignShare: median(samples.map((sample) => sample.foreignShare)),
    faults: faultsOf(results),
  }
}

function faultsOf(results: readonly CaseResult[]): readonly string[] {
  const faults = results.flatMap(({ contestant, error }) =>
    error === undefined ? [] : [`${contestant.name} (${contestant.upstream}, ${contestant.dialect}): ${error}`],
  )
  return [...new Set(faults)]
}

function rowOf(result: CaseResult, all: readonly CaseResult[]): Row {
  const { contestant, connections, samples, error } = result
  const { name, upstream, dialect } = contestant
  const row = { name, upstream, dialect, connections }
  return error === undefined ? { ...row, figures: figuresOf(result, samples, all) } : { ...row, error }
}

function figuresOf(result: CaseResult, samples: readonly Measured[], all: readonly CaseResult[]): Figures {
  const rates = samples.map((sample) => sample.requestsPerSecond)
  const ratioTo = (name: string): number | undefined => {
    const other = all.find((candidate) => candidate.contestant.name === name && sameGroup(candidate, result))
    const base = other?.error === undefined ? median(other?.samples.map((sample) => sample.requestsPerSecond) ?? []) : 0
    return base === 0 ? undefined : median(rates) / base
  }
  return {
    ...timingsOf(samples),
    ratioTo: {
      direct: ratioTo('direct'),
      nginx: ratioTo('nginx'),
      'raw-proxy': ratioTo('raw-proxy'),
      'express-proxy': ratioTo('express-proxy'),
    },
  }
}

/** Condenses the samples of one case. */
export function timingsOf(samples: readonly Measured[]): Timings {
  const rates = samples.map((sample) => sample.requestsPerSecond)
  return {
    requestsPerSecond: median(rates),
    spreadRatio: spreadRatio(rates),
    p50Ms: median(samples.map(({ latencyMs }) => latencyMs.p50)),
    p99Ms: median(samples.map(({ latencyMs }) => latencyMs.p99)),
    cpuMicroseconds: cpuPerRequest(samples),
  }
}

/** Over all rounds together: the kernel's clock is too coarse for one. */
function cpuPerRequest(samples: readonly Measured[]): number {
  const requests = samples.reduce((sum, sample) => sum + sample.requests, 0)
  const cpu = samples.reduce((sum, sample) => sum + sample.requests * sample.cpuMicroseconds, 0)
  return requests === 0 ? 0 : cpu / requests
}

function sameGroup(a: CaseResult, b: CaseResult): boolean {
  return a.connections === b.connections && a.contestant.upstream === b.contestant.upstream
}
