/*
 * Why: the gateway claims that any client works with any server, and the official conformance suite is the only judge that is not ours.
 * So this script starts the reference server in every era, over HTTP and stdio, with one and with three instances per template, starts
 * the real gateway in front, runs the suite at each revision against each cell and against the bare server, and compares check by
 * check. A difference that tools/conformance/exceptions.json does not name fails the run, as does an exception that does not occur.
 *   node tools/conformance.ts [--cell NAME] [--revision DATE] [--instances 1|3] [--json FILE]
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { REVISIONS, type Revision } from '../examples/dual-era-server/src/run-conformance.ts'
import { compare, type Deviation } from './conformance/compare.ts'
import { explain, loadExceptions, unusedExceptions } from './conformance/exceptions.ts'
import { CELLS, type Cell, INSTANCES, startField } from './conformance/field.ts'
import { type Job, runAll, type Scored } from './conformance/runs.ts'
import { Tally } from './lib/tally.ts'

const { values } = parseArgs({
  options: {
    cell: { type: 'string' },
    revision: { type: 'string' },
    instances: { type: 'string' },
    json: { type: 'string' },
  },
})

const cells = chosen('cell', CELLS, values.cell)
const revisions = chosen('revision', Object.keys(REVISIONS) as Revision[], values.revision)
const counts = chosen('instances', INSTANCES, values.instances === undefined ? undefined : Number(values.instances))
const exceptions = loadExceptions()
const tally = new Tally()

const field = await startField()
try {
  const bareJobs = revisions.map((revision): Job => ({ lane: 'bare', url: field.bare, revision }))
  const cellJobs = cells.flatMap((cell) =>
    counts.flatMap((count) => revisions.map((revision) => jobOf(cell, count, revision))),
  )
  const scored = await runAll([...bareJobs, ...cellJobs])
  judge(scored.slice(0, bareJobs.length), scored.slice(bareJobs.length))
} finally {
  await field.stop()
}
tally.finish()

function jobOf(cell: Cell, instances: number, revision: Revision): Job & { cell: Cell; instances: number } {
  return { lane: `${cell} ${instances}`, url: field.urlOf(cell, instances), revision, cell, instances }
}

function judge(bare: readonly Scored[], through: readonly Scored[]): void {
  const used = new Set<number>()
  const rows = through.map((run) => {
    const reference = bare.find(({ job }) => job.revision === run.job.revision)
    if (!reference || run.failure !== undefined || reference.failure !== undefined) {
      tally.fail(`${nameOf(run)}: ${run.failure ?? reference?.failure ?? 'no bare run'}`)
      return { run, reference: undefined, deviations: [] }
    }
    const found = compare(reference.scenarios, run.scenarios)
    for (let equal = 0; equal < found.equal; equal++) tally.pass()
    const deviations = found.deviations.map((deviation) => judgeOne(run, deviation, used))
    return { run, reference, deviations }
  })
  const ran = through.map(({ job }) => ({ cell: job.cell ?? '', revision: job.revision }))
  for (const unused of unusedExceptions(exceptions, used, ran)) tally.fail(`the exception did not occur: ${unused}`)
  const results = [...bare.map((run) => ({ run, reference: run, deviations: [] })), ...rows].map(toResult)
  print(results)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ results }, null, 2)}\n`)
}

function judgeOne(run: Scored, deviation: Deviation, used: Set<number>): Deviation & { reason?: string | undefined } {
  const at = explain(exceptions, { cell: run.job.cell ?? '', revision: run.job.revision, deviation })
  if (at === undefined)
    tally.fail(
      `${nameOf(run)}: ${deviation.scenario}: ${deviation.check}: bare ${deviation.bare}, through the gateway ${deviation.through}. ${deviation.message}`,
    )
  else {
    used.add(at)
    tally.pass()
  }
  return { ...deviation, reason: at === undefined ? undefined : exceptions[at]?.reason }
}

function nameOf({ job }: Scored): string {
  return `${job.lane} at ${job.revision}`
}

interface Result {
  readonly cell: string
  readonly instances: number
  readonly revision: string
  readonly scenarios: string
  readonly checks: number
  readonly seconds: number
  readonly deviations: readonly Deviation[]
}

function toResult(row: { run: Scored; deviations: readonly Deviation[] }): Result {
  const { job, scenarios, ms } = row.run
  const passed = scenarios.filter((scenario) => scenario.passed).length
  return {
    cell: job.cell ?? 'bare',
    instances: job.instances ?? 1,
    revision: job.revision,
    scenarios: `${passed}/${REVISIONS[job.revision]}`,
    checks: scenarios.flatMap(({ checks }) => checks).filter(({ status }) => status === 'SUCCESS').length,
    seconds: Math.round(ms / 100) / 10,
    deviations: row.deviations,
  }
}

function print(results: readonly Result[]): void {
  console.log('cell           instances  revision    scenarios  checks  deviations  seconds')
  for (const { cell, instances, revision, scenarios, checks, deviations, seconds } of results) {
    const columns = [cell.padEnd(14), String(instances).padStart(9), revision.padStart(11), scenarios.padStart(9)]
    const numbers = [String(checks).padStart(6), String(deviations.length).padStart(10), String(seconds).padStart(7)]
    console.log([...columns, ...numbers].join('  '))
  }
}

function chosen<T extends string | number>(
  name: string,
  all: readonly T[],
  wanted: T | string | undefined,
): readonly T[] {
  if (wanted === undefined) return all
  const found = all.filter((one) => one === wanted)
  if (found.length > 0) return found
  console.error(`--${name} must be one of ${all.join(', ')}`)
  process.exit(2)
}
