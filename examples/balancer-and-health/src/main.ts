// Three replicas, sixty calls; one replica is killed on the way. Exit code 1 if the monitor does not notice within ten seconds, or
// if a call fails once it has noticed. The lines between the two marks are all that a program needs.
import { Balancer, leastConnections } from '@mcp-platform/balancer'
import { HealthMonitor, httpProbe } from '@mcp-platform/health'
import { startReplica } from './replica.js'

const NOTICE_WITHIN_MS = 30_000
const replicas = await Promise.all(['search-1', 'search-2', 'search-3'].map(startReplica))
const noticed = Promise.withResolvers<void>()

// >8
const health = new HealthMonitor({
  targets: replicas,
  probe: httpProbe({ path: '/healthz' }),
  intervalMs: 200,
  edgeIntervalMs: 50,
  onEvent: (event) => {
    if (event.type === 'status' && event.to === 'unhealthy') noticed.resolve()
  },
})
const search = new Balancer({ endpoints: replicas, policy: leastConnections(), health })
await health.start() // resolves when every target was probed once

async function query(): Promise<string> {
  const answer = await search.run((replica) => fetch(new URL('/query', replica.url)), {
    classify: (response) => (response.status < 500 ? 'success' : 'failure'),
  })
  return await answer.text()
}
// 8<

/** Makes `times` calls one after the other and counts who answered. */
async function callMany(times: number): Promise<{ answers: Map<string, number>; failed: number }> {
  const answers = new Map<string, number>()
  let failed = 0
  for (let call = 0; call < times; call++) {
    const who = await query().catch(() => undefined)
    if (who === undefined) failed += 1
    else answers.set(who, (answers.get(who) ?? 0) + 1)
  }
  return { answers, failed }
}

function describeCalls(when: string, { answers, failed }: { answers: Map<string, number>; failed: number }): string {
  const shares = [...answers].sort().map(([id, count]) => `${id} ${count}`)
  return `${when.padEnd(24)} ${shares.join(', ')}, failed ${failed}`
}

const before = await callMany(20)
await replicas[1]?.kill()
const during = await callMany(20)
const tooLate = AbortSignal.timeout(NOTICE_WITHIN_MS)
const seen = await Promise.race([
  noticed.promise.then(() => true),
  new Promise<boolean>((resolve) => tooLate.addEventListener('abort', () => resolve(false))),
])
const after = await callMany(20)

console.log(describeCalls('all three run', before))
console.log(describeCalls('search-2 was just killed', during))
console.log(describeCalls('the monitor noticed', after))
console.log(`search-2 is ${health.view('search-2')?.status}: ${health.view('search-2')?.lastError}`)

await health.close()
await Promise.all(replicas.map((replica) => replica.kill()))
const ok = seen && before.failed === 0 && after.failed === 0 && !after.answers.has('search-2')
console.log(ok ? 'ok' : 'FAILED: the kill was not noticed, or a call failed that should not have')
process.exitCode = ok ? 0 : 1
