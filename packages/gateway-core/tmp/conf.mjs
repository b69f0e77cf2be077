import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { anonymous, decide } from '@mcp-platform/auth'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { NodeChildBudget } from '@mcp-platform/mcp-upstream'
import { connector, Gateway } from '@mcp-platform/gateway-core'
import { runConformance, serveHttp, REVISIONS } from '@mcp-platform/example-dual-era-server'
const reference = createRequire(import.meta.url).resolve('@mcp-platform/example-dual-era-server').replace('index.js', 'main.js')
const stdio = (era) => ({ command: process.execPath, args: [reference, '--stdio', '--era', era] })
const N = Number(process.env.N ?? 1)
const by = { actor: 't' }
const registry = new Registry({ store: new MemoryRegistryStore() }); await registry.load()
const servers = []
for (const era of ['both', 'legacy', 'modern']) for (let i = 0; i < N; i++) { const s = await serveHttp({ port: 0, era, stateKey: 'x'.repeat(40) }); servers.push(s); await registry.register({ template_name: `${era}-http`, instance: { id: `i${i}`, endpoint: s.url } }, { by }) }
for (const era of ['legacy', 'modern']) for (let i = 0; i < N; i++) await registry.register({ template_name: `${era}-stdio`, instance: { id: `i${i}`, ...stdio(era), env: { MCP_STATE_KEY: 'x'.repeat(40) } } }, { by })
const onEvent = (e) => { if (process.env.V && (e.type === 'internal-error' || e.type === 'attempt-failed')) console.log(e) }
const gateway = new Gateway({ registry, connect: connector({ guard: { allowLoopback: true }, children: new NodeChildBudget(), onEvent }), authenticate: () => anonymous, decide, onEvent })
await gateway.start()
const ok = (h) => !h || /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(h)
const server = createServer((q, r) => { const o = q.headers.origin; if (!ok(q.headers.host) || (o && !ok(o.replace(/^https?:\/\//, '')))) { r.writeHead(403).end(); return } gateway.handle(q, r, 'x') })
await new Promise((r) => server.listen(0, '127.0.0.1', r))
const base = `http://127.0.0.1:${server.address().port}`
const only = process.argv[2], onlyRev = process.argv[3]
for (const cell of ['both-http', 'legacy-http', 'modern-http', 'legacy-stdio', 'modern-stdio']) for (const revision of Object.keys(REVISIONS)) {
  if ((only && only !== cell) || (onlyRev && onlyRev !== revision)) continue
  const t = Date.now()
  const r = await runConformance({ url: `${base}/mcp/${cell}`, revision })
  const checks = r.flatMap((s) => s.checks)
  console.log(cell, revision, `${r.filter((s) => s.passed).length}/${r.length}`, 'checks ok', checks.filter((c) => c.status === 'SUCCESS').length, 'of', checks.length, `${Date.now() - t} ms`)
  for (const s of r) for (const c of s.checks) if (c.status === 'FAILURE' || (c.status === 'WARNING')) console.log('   ', c.status, s.name, c.id, (c.errorMessage ?? '').slice(0, 300))
}
server.closeAllConnections(); server.close(); await gateway.close({ graceMs: 0 }); for (const s of servers) await s.close(); process.exit(0)
