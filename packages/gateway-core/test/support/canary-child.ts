/*
 * A stdio server of either era whose one tool says its argument `canary` again: in two progress notifications and in the
 * result, each after a random pause, so that the answers of many calls come in any order. Run it:
 *   node canary-child.ts legacy|modern
 */
import { setTimeout as delay } from 'node:timers/promises'

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: {
    readonly protocolVersion?: string
    readonly arguments?: { readonly canary?: string }
    readonly _meta?: { readonly progressToken?: unknown }
  }
}

const MAX_PAUSE_MS = 20
const TOOL = { name: 'canary', inputSchema: { type: 'object', properties: { canary: { type: 'string' } } } }
const [, , era] = process.argv
const complete = era === 'modern' ? { resultType: 'complete' } : {}
const hints = era === 'modern' ? { ttlMs: 60_000, cacheScope: 'public' } : {}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
}

async function sing(id: unknown, { arguments: args, _meta }: NonNullable<Message['params']>): Promise<void> {
  for (const progress of [1, 2]) {
    await delay(Math.random() * MAX_PAUSE_MS)
    const params = { progressToken: _meta?.progressToken, progress, message: args?.canary }
    say({ method: 'notifications/progress', params })
  }
  await delay(Math.random() * MAX_PAUSE_MS)
  say({ id, result: { ...complete, content: [{ type: 'text', text: args?.canary }] } })
}

function outcomeOf(method: string | undefined, params: NonNullable<Message['params']>): object {
  const serverInfo = { name: 'canary', version: '1' }
  const capabilities = { tools: {} }
  if (method === 'tools/list') return { result: { ...complete, ...hints, tools: [TOOL] } }
  if (method === 'ping') return { result: {} }
  if (method === 'initialize' && era === 'legacy')
    return { result: { protocolVersion: params.protocolVersion, capabilities, serverInfo } }
  if (method !== 'server/discover' || era !== 'modern') return { error: { code: -32601, message: 'Method not found' } }
  const _meta = { 'io.modelcontextprotocol/serverInfo': serverInfo }
  return { result: { ...complete, ...hints, supportedVersions: ['2026-07-28'], capabilities, _meta } }
}

function take({ id, method, params = {} }: Message): void {
  if (id === undefined) return
  if (method === 'tools/call') void sing(id, params)
  else say({ id, ...outcomeOf(method, params) })
}

let held = ''
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (held + chunk).split('\n')
  held = lines.pop() ?? ''
  for (const line of lines) take(JSON.parse(line))
})
