import type { ReplyEnvelope, UpstreamMessage, UpstreamSession } from '@mcp-platform/mcp-upstream'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import { askedId } from './asking.js'
import { objectAt } from './json-edit.js'
import { idToken } from './local-reply.js'

/** Requests whose success a server remembers for as long as the session lives. */
const REMEMBERED: ReadonlySet<string | undefined> = new Set([
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/**
 * What a legacy server keeps of one client beyond its `initialize`: the part that can be told again to a fresh session,
 * and whether there is more than that.
 */
export class SessionMemory {
  readonly #subscriptions = new Set<string>()
  readonly #asks = new Map<string, UpstreamSession>()
  #level: string | undefined
  #hasTasks = false

  /** Something hangs on this very session: a question that the client has not answered yet, or a task of 2025-11-25. */
  get isTied(): boolean {
    return this.#hasTasks || this.#asks.size > 0
  }

  /** Resources that the client is subscribed to. */
  get subscriptions(): ReadonlySet<string> {
    return this.#subscriptions
  }

  /** The server answered this request with a result. */
  succeeded(message: UpstreamMessage): void {
    const { body, envelope } = message
    if (createsTask(message)) this.#hasTasks = true
    if (!REMEMBERED.has(envelope.method)) return
    const { level, uri } = objectAt(body, envelope.params) ?? {}
    if (typeof level === 'string') this.#level = level
    if (typeof uri !== 'string') return
    if (envelope.method === 'resources/subscribe') this.#subscriptions.add(uri)
    else this.#subscriptions.delete(uri)
  }

  /** The server asks the client something; gives the raw token of its id. */
  asked(json: Buffer, envelope: ReplyEnvelope, by: UpstreamSession): string {
    const token = askedId(json, envelope)
    this.#asks.set(token, by)
    return token
  }

  /** Nobody waits for an answer to that question any more. */
  settled(token: string): void {
    this.#asks.delete(token)
  }

  /** The session whose question a client's response answers; it is settled by that. */
  takeAsker(response: UpstreamMessage): UpstreamSession | undefined {
    const token = idToken(response)
    const asker = this.#asks.get(token)
    this.#asks.delete(token)
    return asker
  }

  /** What a fresh session has to be told, in order. */
  replay(): readonly UpstreamMessage[] {
    const level = this.#level === undefined ? [] : [request('logging/setLevel', { level: this.#level })]
    return [...level, ...[...this.#subscriptions].map((uri) => request('resources/subscribe', { uri }))]
  }
}

// Most calls are none; only those that might be are parsed.
function createsTask({ body, envelope }: UpstreamMessage): boolean {
  if (envelope.method !== 'tools/call' || !body.includes('"task"')) return false
  return objectAt(body, envelope.params)?.['task'] !== undefined
}

function request(method: string, params: object): UpstreamMessage {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  return { body, envelope: scanEnvelope(body) }
}
