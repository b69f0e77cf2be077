/*
 * Prints the score of a server in the official suite at the three revisions:
 *   node dist/conformance.js            this reference server, both eras
 *   node dist/conformance.js URL        any other server, for example one behind the gateway
 */
import { serveHttp } from './http.js'
import { REVISIONS, type Revision, runConformance, type ScenarioResult } from './run-conformance.js'

async function score(url: string, revision: Revision): Promise<boolean> {
  const scenarios = await runConformance({ url, revision })
  const passed = scenarios.filter((scenario) => scenario.passed)
  const checks = scenarios.flatMap((scenario) => scenario.checks).filter(({ status }) => status === 'SUCCESS')
  console.log(`${revision}  ${passed.length}/${REVISIONS[revision]} scenarios, ${checks.length} checks`)
  for (const scenario of scenarios) if (!scenario.passed) printFailure(scenario)
  return passed.length === REVISIONS[revision]
}

function printFailure({ name, checks }: ScenarioResult): void {
  for (const { id, status, errorMessage } of checks) {
    if (status === 'FAILURE') console.log(`  ✗ ${name}: ${id}: ${errorMessage ?? ''}`)
  }
}

async function scoreAll(url: string): Promise<void> {
  for (const revision of ['2025-06-18', '2025-11-25', '2026-07-28'] as const) {
    if (!(await score(url, revision))) process.exitCode = 1
  }
}

const [given] = process.argv.slice(2)
if (given === undefined) {
  const serving = await serveHttp({ port: 0, era: 'both' })
  await scoreAll(serving.url)
  await serving.close()
} else {
  await scoreAll(given)
}
