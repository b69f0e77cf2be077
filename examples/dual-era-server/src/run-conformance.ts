import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The revisions that the suite is run at, with the number of scenarios that each must show. */
export const REVISIONS = { '2025-06-18': 27, '2025-11-25': 33, '2026-07-28': 40 } as const

/** One of {@link REVISIONS}. */
export type Revision = keyof typeof REVISIONS

/** One check of one scenario. */
export interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string | undefined
}

/** What the suite found in one scenario. */
export interface ScenarioResult {
  readonly name: string
  /** No check failed. */
  readonly passed: boolean
  readonly checks: readonly Check[]
}

/** How {@link runConformance} runs. */
export interface ConformanceOptions {
  readonly url: string
  readonly revision: Revision
  /** Of the whole run, in milliseconds. @default 120_000 */
  readonly timeoutMs?: number | undefined
}

/**
 * Runs the official suite against a server and returns every check of every scenario, in alphabetical order.
 * @throws if the suite itself could not be run; a failing scenario is a result.
 */
export async function runConformance(options: ConformanceOptions): Promise<readonly ScenarioResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpp-conformance-'))
  try {
    await runSuite(options, folder)
    return await readResults(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runSuite({ url, revision, timeoutMs = 120_000 }: ConformanceOptions, folder: string): Promise<void> {
  // The suite is a command with nothing to import, so it is found by its manifest.
  const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')
  const suite = join(dirname(manifest), 'dist', 'index.js')
  const args = [suite, 'server', '--url', url, '--suite', 'all', '--spec-version', revision, '-o', folder]
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, args, { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      // It exits with 1 when a scenario fails; only a run without a summary is a failure of the run.
      if (stdout.includes('=== SUMMARY ===')) resolve()
      else reject(new Error(`the conformance suite did not finish: ${stderr || stdout}`, { cause: error }))
    })
  })
}

async function readResults(folder: string): Promise<readonly ScenarioResult[]> {
  const runs = await readdir(folder)
  return Promise.all(runs.sort().map((run) => readScenario(folder, run)))
}

/** Folders are named `server-<scenario>-<time>`. */
async function readScenario(folder: string, run: string): Promise<ScenarioResult> {
  const checks: readonly Check[] = JSON.parse(await readFile(join(folder, run, 'checks.json'), 'utf8'))
  const name = run.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '')
  return { name, passed: checks.every(({ status }) => status !== 'FAILURE'), checks }
}
