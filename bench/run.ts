/*
 * The benchmark: what the gateway costs, side by side in one run with going direct, with nginx, and with two references of a page
 * each. See README.md of this folder, or --help.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, release } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Contestant, type Field, startField, type Upstream } from './contestants.ts'
import { LoadGenerator } from './load/generator.ts'
import { type CredentialCosts, credentialCosts } from './measure/credentials.ts'
import { chooseCores } from './measure/pinning.ts'
import { type Case, measureAll } from './measure/rounds.ts'
import { type BenchOptions, readOptions, USAGE } from './options.ts'
import { type Summary, summarize } from './report/summary.ts'
import { svgOf } from './report/svg.ts'
import { credentialSentence, noiseSentence, tableOf } from './report/table.ts'

const RESULTS = join(import.meta.dirname, 'results')

/** Milliseconds: a full run takes two to three minutes, a short one under one. */
const FULL = { warmUpMs: 1_000, sampleMs: samples(700, 500) }
const SHORT = { warmUpMs: 300, sampleMs: samples(300, 300) }
/** An open loop needs its time: a p99 of 2,000 requests per second is made of 20 requests per second. */
const OPEN = { warmUpMs: 2_000, sampleMs: samples(3_000, 3_000) }

async function main(options: BenchOptions): Promise<void> {
  const cores = chooseCores()
  say(`Node ${process.version}, ${cpus()[0]?.model ?? arch()}, ${availableParallelism()} cores; ${cores.note}`)
  const load = new LoadGenerator(cores.load)
  try {
    const field = await startField({ ...options, cores })
    try {
      const summary = await run(options, field, load)
      await report(options, { ...summary, credentials: await credentialCosts() }, field)
    } finally {
      await field.stop()
    }
  } finally {
    await load.close()
  }
}

async function run(options: BenchOptions, field: Field, load: LoadGenerator): Promise<Summary> {
  for (const note of field.notes) say(note)
  if (options.wait) await enter(field.contestants)
  const cases = field.contestants.flatMap((contestant) =>
    options.connections.map((connections): Case => ({ contestant, connections })),
  )
  cases.sort((a, b) => order(a) - order(b))
  const timing = options.openLoopRate !== undefined ? OPEN : options.short ? SHORT : FULL
  const { rounds, openLoopRate: requestsPerSecond } = options
  const results = await measureAll(cases, load, {
    ...timing,
    rounds,
    requestsPerSecond,
    onProgress: say,
  })
  return summarize(results)
}

const UPSTREAMS: readonly Upstream[] = ['null', 'null-stdio', 'sdk', 'sdk-stdio']

/** By upstream, then by connections, so that the rows of a block are measured close together. */
function order({ contestant, connections }: Case): number {
  return UPSTREAMS.indexOf(contestant.upstream) * 1_000_000 + connections
}

function samples(none: number, sdk: number): Record<Upstream, number> {
  return { null: none, 'null-stdio': none, sdk, 'sdk-stdio': sdk }
}

/** What a run found, with what was measured beside it. */
type Findings = Summary & { readonly credentials: CredentialCosts }

async function report(options: BenchOptions, summary: Findings, { notes, failures }: Field): Promise<void> {
  const mode = options.openLoopRate === undefined ? 'closed loop' : `open loop, ${options.openLoopRate} requests/s`
  console.log(
    `\n${mode}; medians of ${options.rounds} rounds, ± half their range; ratios of throughput to the row named\n`,
  )
  console.log(tableOf(summary))
  console.log(`\n${credentialSentence(summary.credentials)}`)
  console.log(noiseSentence(summary.foreignShare))
  const file = await save(options, summary, notes)
  console.log(`Written to ${file}.json and .svg`)
  const faults = [...failures, ...summary.faults]
  for (const fault of faults) console.error(`✗ ${fault}`)
  const right = summary.rows.filter(({ figures }) => figures !== undefined).length
  console.log(`${right} passed, ${summary.rows.length - right + failures.length} failed`)
  process.exitCode = faults.length === 0 ? 0 : 1
}

async function save(options: BenchOptions, summary: Findings, notes: readonly string[]): Promise<string> {
  await mkdir(RESULTS, { recursive: true })
  const at = new Date().toISOString()
  const file = join(RESULTS, at.replaceAll(':', '-'))
  const machine = { node: process.version, os: release(), cpu: cpus()[0]?.model, cores: availableParallelism() }
  await writeFile(`${file}.json`, `${JSON.stringify({ at, machine, options, notes, ...summary }, null, 2)}\n`)
  await writeFile(`${file}.svg`, svgOf(summary))
  return file
}

async function enter(contestants: readonly Contestant[]): Promise<void> {
  for (const { name, upstream, url } of contestants) say(`${name} (${upstream}): ${url}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  await terminal.question('Start your gateway before these upstreams now, then press Enter. ')
  terminal.close()
}

/** Progress goes to stderr: stdout has the report. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (process.argv.includes('--help')) console.log(USAGE)
else await main(readOptions(process.argv.slice(2), availableParallelism()))
