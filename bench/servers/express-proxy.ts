/*
 * Reference: the proxy that one writes first, Express 5 with its JSON parser in front and global fetch behind. What it loses against
 * raw-proxy.ts is why the gateway's hot path never enters Express. Arguments: PORT UPSTREAM_URL.
 */
import express from 'express'

const [port = '0', upstream = ''] = process.argv.slice(2)
const FORWARDED = ['accept', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id']
const app = express()
app.disable('x-powered-by')
app.use(express.json({ limit: '4mb' }))

app.post('/mcp', async (request, response) => {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  for (const name of FORWARDED) {
    const value = request.get(name)
    if (value !== undefined) headers[name] = value
  }
  const answer = await fetch(upstream, { method: 'POST', headers, body: JSON.stringify(request.body) })
  const session = answer.headers.get('mcp-session-id')
  if (session !== null) response.set('mcp-session-id', session)
  response.status(answer.status).type(answer.headers.get('content-type') ?? 'application/json')
  response.send(await answer.text())
})

const server = app.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  const actual = address !== null && typeof address === 'object' ? address.port : 0
  process.stderr.write(`listening on http://127.0.0.1:${actual}/mcp\n`)
})
server.keepAliveTimeout = 120_000
