import type { Contestant, Upstream } from '../contestants.ts'
import type { LoadGenerator } from '../load/generator.ts'
import type { Sample } from '../load/sample.ts'
import { CpuReading } from './cpu.ts'

/** One contestant at one number of connections. */
export interface Case {
  readonly contestant: Contestant
  readonly connections: number
}

/** One sample with what was seen around it. */
export interface Measured extends Sample {
  /** CPU of the contestant per request, in microseconds; 0 for direct. */
  readonly cpuMicroseconds: number
  /** Share (0..1) of the machine that others used meanwhile. */
  readonly foreignShare: number
}

/** A case with all its samples, or with the reason why there are none. */
export interface CaseResult extends Case {
  readonly samples: readonly Measured[]
  readonly error?: string | undefined
}

/** How cases are measured. */
export interface RoundOptions {
  readonly rounds: number
  readonly warmUpMs: number
  readonly sampleMs: Readonly<Record<Upstream, number>>
  readonly requestsPerSecond?: number | undefined
  /** Stops between two samples when aborted; what was measured by then is the result. */
  readonly signal?: AbortSignal | undefined
  /** Hears what is going on. */
  readonly onProgress: (line: string) => void
}

/**
 * Measures all cases in interleaved rounds: round 1 of every case, then round 2 of every case, … A machine that is slower for some
 * seconds is slower for everybody then, and not for one contestant only.
 */
export async function measureAll(
  cases: readonly Case[],
  load: LoadGenerator,
  options: RoundOptions,
): Promise<readonly CaseResult[]> {
  const results = cases.map((one) => ({ ...one, samples: [] as Measured[], error: undefined as string | undefined }))
  await warmUp(results, load, options)
  for (let round = 1; round <= options.rounds; round += 1) {
    options.onProgress(`round ${round} of ${options.rounds}`)
    for (const result of results) {
      if (options.signal?.aborted === true) return results
      if (result.error === undefined) await measureInto(result, load, options)
    }
  }
  return results
}

type Open = Case & { samples: Measured[]; error: string | undefined }

/** Just-in-time compilers need some thousand requests; a contestant that cannot even answer these is out. */
async function warmUp(results: readonly Open[], load: LoadGenerator, options: RoundOptions): Promise<void> {
  const failed = new Map<Contestant, string>()
  for (const contestant of new Set(results.map((result) => result.contestant))) {
    if (options.signal?.aborted === true) return
    options.onProgress(`warming up ${contestant.name} (${contestant.upstream})`)
    const reply = await load.run({ ...contestant, connections: 16, durationMs: options.warmUpMs })
    const why = 'error' in reply ? reply.error : reply.sample.firstWrong
    if (why !== undefined) failed.set(contestant, why)
  }
  for (const result of results) result.error = failed.get(result.contestant)
}

async function measureInto(result: Open, load: LoadGenerator, options: RoundOptions): Promise<void> {
  const { contestant, connections } = result
  const { requestsPerSecond } = options
  let before = CpuReading.take()
  let after = before
  const order = { ...contestant, connections, durationMs: options.sampleMs[contestant.upstream], requestsPerSecond }
  const reply = await load.run(order, (at) => {
    if (at === 'ready') before = CpuReading.take()
    else after = CpuReading.take()
  })
  if ('error' in reply) {
    result.error = reply.error
    return
  }
  const { sample } = reply
  if (sample.wrong > 0) result.error = `${sample.wrong} wrong answers: ${sample.firstWrong}`
  const { pid } = contestant
  const seconds = cpuSeconds(contestant, after) - cpuSeconds(contestant, before)
  // Everything that we started is below this process; a guest is not.
  const ours = contestant.guest && pid !== undefined ? [process.pid, pid] : [process.pid]
  result.samples.push({
    ...sample,
    cpuMicroseconds: sample.requests === 0 ? 0 : (seconds * 1e6) / sample.requests,
    foreignShare: after.foreignShareSince(before, ours),
  })
}

function cpuSeconds({ pid, childrenAreUpstream }: Contestant, reading: CpuReading): number {
  if (pid === undefined) return 0
  return childrenAreUpstream === true ? reading.ownSecondsOf(pid) : reading.secondsOf(pid)
}
