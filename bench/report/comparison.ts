import type { CaseResult, Measured } from '../measure/rounds.ts'
import { median } from '../measure/statistics.ts'
import { GATEWAY, type SceneField } from '../peers/field.ts'
import { type Timings, timingsOf } from './summary.ts'

/** How the gateway did beside one other in the same rounds. */
export interface Beside {
  /** The gateway's throughput over the other's: the median of the rounds, the lowest and the highest. */
  readonly times: { readonly median: number; readonly low: number; readonly high: number }
  /** The other's CPU per request over the gateway's; absent where nobody stands in the middle. */
  readonly cpuTimes?: number | undefined
}

/** One line of a comparison. */
export interface ComparisonRow {
  readonly name: string
  /** Absent when there is nothing to show, and then there is an error. */
  readonly timings?: Timings | undefined
  /** Absent for the gateway itself, and where it could not be measured. */
  readonly gateway?: Beside | undefined
  readonly error?: string | undefined
}

/** What a scene found. */
export interface Comparison {
  readonly title: string
  readonly rows: readonly ComparisonRow[]
}

/** Condenses the samples of a scene into its rows; who is absent is the last of them, with the reason. */
export function compare({ scene, contestants, absent }: SceneField, results: readonly CaseResult[]): Comparison {
  const mine = results.filter(({ contestant }) => contestants.includes(contestant))
  const gateway = mine.find(({ contestant }) => contestant.name === GATEWAY)
  const missing = absent.map(({ name, why }) => ({ name, error: why }))
  return { title: scene.title, rows: [...mine.map((result) => rowOf(result, gateway)), ...missing] }
}

function rowOf(result: CaseResult, gateway: CaseResult | undefined): ComparisonRow {
  const { name } = result.contestant
  const error = faultOf(result)
  if (error !== undefined) return { name, error }
  const timings = timingsOf(result.samples)
  if (gateway === undefined || result === gateway || faultOf(gateway) !== undefined) return { name, timings }
  return { name, timings, gateway: beside(gateway.samples, result.samples) }
}

function faultOf({ error, samples }: CaseResult): string | undefined {
  return error ?? (samples.length === 0 ? 'the run was stopped before its first round' : undefined)
}

/** Round against round: what slowed the machine in one of them slowed both. */
function beside(gateway: readonly Measured[], other: readonly Measured[]): Beside {
  const ratios = other.flatMap((sample, round) => {
    const ours = gateway[round]
    return ours === undefined || sample.requests === 0 ? [] : [ours.requestsPerSecond / sample.requestsPerSecond]
  })
  const times = { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) }
  const [ourCpu, theirCpu] = [timingsOf(gateway).cpuMicroseconds, timingsOf(other).cpuMicroseconds]
  return { times, cpuTimes: ourCpu === 0 || theirCpu === 0 ? undefined : theirCpu / ourCpu }
}
