/*
 * The gateway beside the npm packages that do a part of what it does, over the same upstreams, in the same dialects, in the same
 * rounds. A peer that cannot be had or answers wrongly is named with the reason. See README.md of this folder, or --help.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, release } from 'node:os'
import { join } from 'node:path'
import { LoadGenerator } from './load/generator.ts'
import { chooseCores } from './measure/pinning.ts'
import { type CaseResult, measureAll } from './measure/rounds.ts'
import { median } from './measure/statistics.ts'
import { GATEWAY, type PeerField, startPeerField } from './peers/field.ts'
import { PeerInstallError } from './peers/install.ts'
import { PEERS_USAGE, type PeerOptions, readPeerOptions } from './peers/options.ts'
import { type Comparison, compare } from './report/comparison.ts'
import { comparisonTables } from './report/comparison-table.ts'
import { noiseSentence } from './report/table.ts'

const RESULTS = join(import.meta.dirname, 'results')

/** Milliseconds after which no further sample is taken; what was measured by then is reported. */
const NO_MORE_MS = 210_000
const TIMING = { warmUpMs: 3_000, sampleMs: { null: 700, 'null-stdio': 700, sdk: 700, 'sdk-stdio': 700 } }

async function main(options: PeerOptions): Promise<void> {
  const cores = chooseCores()
  say(`Node ${process.version}, ${cpus()[0]?.model ?? arch()}, ${availableParallelism()} cores; ${cores.note}`)
  const signal = AbortSignal.any([AbortSignal.timeout(NO_MORE_MS), interrupted()])
  const load = new LoadGenerator(cores.load)
  try {
    const field = await startPeerField({ cores, peers: options.peers, signal, onProgress: say })
    try {
      await report(options, field, await measure(options, field, load, signal))
    } finally {
      await field.stop()
    }
  } finally {
    await load.close()
  }
}

async function measure(
  { rounds, connections }: PeerOptions,
  { scenes }: PeerField,
  load: LoadGenerator,
  signal: AbortSignal,
): Promise<readonly CaseResult[]> {
  const cases = scenes.flatMap(({ contestants }) => contestants.map((contestant) => ({ contestant, connections })))
  return await measureAll(cases, load, { ...TIMING, rounds, signal, onProgress: say })
}

async function report(options: PeerOptions, { scenes }: PeerField, results: readonly CaseResult[]): Promise<void> {
  const rounds = Math.max(...results.map(({ samples }) => samples.length))
  if (rounds === 0) throw new Error('bench: stopped before anything was measured')
  const comparisons = scenes.map((scene) => compare(scene, results))
  const foreignShare = median(results.flatMap(({ samples }) => samples.map((sample) => sample.foreignShare)))
  console.log(
    `\n${options.connections} connections, medians of ${rounds} interleaved rounds, ± half their range; "gateway / it" is throughput\n`,
  )
  console.log(comparisonTables(comparisons))
  console.log(`\n${noiseSentence(foreignShare)}`)
  console.log(`Written to ${await save({ connections: options.connections, rounds, foreignShare, comparisons })}`)
  const complete = results.every(({ error, samples }) => error !== undefined || samples.length === options.rounds)
  finish(comparisons, complete)
}

/** A peer that fails is a finding; that we fail, or the bare upstream, is a fault. */
function finish(comparisons: readonly Comparison[], complete: boolean): void {
  const rows = comparisons.flatMap((comparison) => comparison.rows)
  const faults = rows.filter(({ name, error }) => error !== undefined && (name === GATEWAY || name === 'direct'))
  for (const { name, error } of faults) console.error(`✗ ${name}: ${error}`)
  if (!complete) console.error('✗ stopped before the last round')
  process.exitCode = faults.length === 0 && complete ? 0 : 1
}

async function save(findings: object): Promise<string> {
  await mkdir(RESULTS, { recursive: true })
  const at = new Date().toISOString()
  const file = join(RESULTS, `peers-${at.replaceAll(':', '-')}.json`)
  const machine = { node: process.version, os: release(), cpu: cpus()[0]?.model, cores: availableParallelism() }
  await writeFile(file, `${JSON.stringify({ at, machine, ...findings }, null, 2)}\n`)
  return file
}

/** Aborted by the first Ctrl-C or SIGTERM, so that everything that was started is stopped; a second one ends at once. */
function interrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(new Error(name)))
  return controller.signal
}

/** Progress goes to stderr: stdout has the report. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (process.argv.includes('--help')) console.log(PEERS_USAGE)
else {
  try {
    await main(readPeerOptions(process.argv.slice(2)))
  } catch (error) {
    console.error(error instanceof PeerInstallError ? `${error.message}. There is nobody to compare with.` : error)
    process.exitCode = 1
  }
}
