import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Json = Readonly<Record<string, unknown>>

/** A 2026 server whose subscriptions a test holds in its hands. */
export interface ListenServer {
  readonly url: string
  /** Subscriptions opened so far, ended ones too. */
  readonly opened: number
  /** Subscriptions open now. */
  readonly open: number
  /** Times that its tools were listed. */
  readonly listed: number
  /** Resolves when this many subscriptions are open. */
  untilOpen(count: number): Promise<void>
  setTools(names: readonly string[]): void
  /** Sends a notification on every open subscription. */
  announce(method: string, params?: Json): void
  /** Ends all subscriptions: with the result that means the end, or by resetting their connections. */
  endAll(how: 'gracefully' | 'abruptly'): void
  stop(): Promise<void>
}

const ENVELOPE = 'io.modelcontextprotocol'

interface Subscription {
  readonly id: unknown
  readonly response: ServerResponse
}

/** Starts one on 127.0.0.1. Its lists may be kept for `ttlMs`; its tools answer with the task `taskName`. */
export async function startListenServer({
  ttlMs = 60_000,
  taskName,
}: {
  ttlMs?: number
  taskName?: string
} = {}): Promise<ListenServer> {
  const subscriptions = new Set<Subscription>()
  const waiting = new Set<() => void>()
  let tools: readonly string[] = ['one']
  let opened = 0
  let listed = 0
  const changed = (): void => {
    for (const look of [...waiting]) look()
  }
  const say = ({ response }: Subscription, message: Json): boolean =>
    response.write(`data: ${JSON.stringify(message)}\n\n`)
  const tag = (id: unknown): Json => ({ [`${ENVELOPE}/subscriptionId`]: id })
  const subscribe = (id: unknown, params: Json, response: ServerResponse): void => {
    const subscription = { id, response }
    subscriptions.add(subscription)
    opened++
    response.once('close', () => {
      subscriptions.delete(subscription)
      changed()
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const notifications = params['notifications']
    say(subscription, {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications, _meta: tag(id) },
    })
    changed()
  }
  const resultOf = (method: unknown): Json | undefined => {
    const hints = { resultType: 'complete', ttlMs, cacheScope: 'private' }
    if (method === 'server/discover') {
      const capabilities = {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
      }
      const _meta = { [`${ENVELOPE}/serverInfo`]: { name: 'listen', version: '1' } }
      return { ...hints, supportedVersions: ['2026-07-28'], capabilities, _meta }
    }
    if (method === 'tools/list') {
      listed++
      return { ...hints, tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) }
    }
    if (method === 'tools/call') return { resultType: 'task', taskId: taskName, status: 'working' }
    if (method === 'resources/list') return { ...hints, resources: [{ uri: 'test://one', name: 'one' }] }
    return undefined
  }
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end()
    let text = ''
    for await (const chunk of request) text += chunk
    const { id, method, params }: { id?: unknown; method?: unknown; params?: Json } = JSON.parse(text)
    if (id === undefined) return void response.writeHead(202).end()
    if (method === 'subscriptions/listen') return subscribe(id, params ?? {}, response)
    const result = resultOf(method)
    const outcome = result ? { result } : { error: { code: -32601, message: 'Method not found' } }
    response
      .writeHead(result ? 200 : 404, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    get opened() {
      return opened
    },
    get open() {
      return subscriptions.size
    },
    get listed() {
      return listed
    },
    untilOpen: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (subscriptions.size !== count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    setTools(names) {
      tools = names
    },
    announce(method, params = {}) {
      for (const subscription of subscriptions)
        say(subscription, { jsonrpc: '2.0', method, params: { ...params, _meta: tag(subscription.id) } })
    },
    endAll(how) {
      for (const subscription of subscriptions) {
        if (how === 'abruptly') {
          subscription.response.socket?.resetAndDestroy()
          continue
        }
        const { id } = subscription
        say(subscription, { jsonrpc: '2.0', id, result: { resultType: 'complete', _meta: tag(id) } })
        subscription.response.end()
      }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
