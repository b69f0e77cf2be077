import {
  type Revision,
  runConformance,
  type ScenarioResult,
} from '../../examples/dual-era-server/src/run-conformance.ts'
import type { Cell } from './field.ts'

/** One run of the suite. Jobs of one lane follow each other: scenarios of two runs on one template would hear each other's changes. */
export interface Job {
  readonly lane: string
  readonly url: string
  readonly revision: Revision
  readonly cell?: Cell | undefined
  readonly instances?: number | undefined
}

export interface Scored {
  readonly job: Job
  readonly scenarios: readonly ScenarioResult[]
  readonly ms: number
  /** The suite itself did not finish. */
  readonly failure?: string | undefined
}

const PARALLEL_LANES = 4
const RUN_TIMEOUT_MS = 240_000

/** Runs everything, up to four lanes at a time; results in the order of the jobs. */
export async function runAll(jobs: readonly Job[]): Promise<readonly Scored[]> {
  const lanes = [...Map.groupBy(jobs, ({ lane }) => lane).values()]
  const results = new Map<Job, Scored>()
  const worker = async (): Promise<void> => {
    for (let lane = lanes.shift(); lane; lane = lanes.shift())
      for (const job of lane) results.set(job, await runOne(job))
  }
  await Promise.all(Array.from({ length: PARALLEL_LANES }, worker))
  return jobs.flatMap((job) => results.get(job) ?? [])
}

async function runOne(job: Job): Promise<Scored> {
  const startedAt = performance.now()
  try {
    const scenarios = await runConformance({ url: job.url, revision: job.revision, timeoutMs: RUN_TIMEOUT_MS })
    return { job, scenarios, ms: performance.now() - startedAt }
  } catch (error) {
    return { job, scenarios: [], ms: performance.now() - startedAt, failure: String(error) }
  }
}
