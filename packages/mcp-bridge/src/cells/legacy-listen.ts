import { setTimeout as delay } from 'node:timers/promises'
import type {
  Connection,
  ExchangeOptions,
  MessageSink,
  SessionInit,
  SessionKey,
  UpstreamMessage,
  UpstreamReply,
  UpstreamSession,
} from '@mcp-platform/mcp-upstream'
import { scanEnvelope, scanReply } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from '../caller.js'
import { asObject, objectAt } from '../json-edit.js'
import type { JsonObject } from '../json-object.js'
import { idToken } from '../local-reply.js'
import { META } from '../versions.js'

/**
 * From the acknowledgement on nothing may be missed, so it waits for the stream this long, in milliseconds. Not longer:
 * servers on the SDK's web transport send the head of their stream with its first event only.
 */
const OPEN_MS = 200

/** Which legacy notification a filter member stands for, and which capability announces it. */
const LISTS = [
  { member: 'toolsListChanged', method: 'notifications/tools/list_changed', capability: 'tools' },
  { member: 'promptsListChanged', method: 'notifications/prompts/list_changed', capability: 'prompts' },
  { member: 'resourcesListChanged', method: 'notifications/resources/list_changed', capability: 'resources' },
] as const

/**
 * `subscriptions/listen` on a legacy server: a session of its own, its GET stream (or stdio channel) and
 * `resources/subscribe`. The first message is the acknowledgement; the stream ends with the caller or the session.
 */
export async function listenOnLegacy(
  connection: Connection,
  key: SessionKey,
  caller: ModernCaller,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const opened = await connection.openSession(silent(key.init), caller.context, {
    signal: options.signal,
    limits: options.limits,
  })
  const stream = new LegacyListener(opened, message, options)
  return { kind: 'stream', pipe: (sink) => stream.run(sink), cancel: () => void opened.close() }
}

// Outside of a call nobody is asked anything, so the session need not claim that somebody could be: on a pipe that would
// cost a child of its own.
function silent(init: SessionInit): SessionInit {
  const { elicitation, sampling, roots, ...capabilities }: Readonly<Record<string, unknown>> = init.capabilities
  return { ...init, capabilities }
}

class LegacyListener {
  readonly #session: UpstreamSession
  readonly #message: UpstreamMessage
  readonly #options: ExchangeOptions
  readonly #methods: ReadonlySet<string>
  readonly #wanted: JsonObject

  constructor(session: UpstreamSession, message: UpstreamMessage, options: ExchangeOptions) {
    this.#session = session
    this.#message = message
    this.#options = options
    this.#wanted = asObject(objectAt(message.body, message.envelope.params)?.['notifications']) ?? {}
    const { capabilities } = session.identity
    const lists = LISTS.filter(
      ({ member, capability }) =>
        this.#wanted[member] === true && asObject(capabilities[capability])?.['listChanged'] === true,
    )
    this.#methods = new Set(lists.map(({ method }) => method))
  }

  async run(sink: MessageSink): Promise<void> {
    try {
      const uris = await this.#subscribeAll()
      const acknowledged = Promise.withResolvers<void>()
      const hear: MessageSink = {
        message: async (json) => {
          await acknowledged.promise
          await this.#forward(json, uris, sink)
        },
      }
      const open = Promise.withResolvers<void>()
      const gap = new AbortController()
      // Whoever listens again is told of what may have been missed.
      const onOpen = (missed: boolean): void => (missed ? gap.abort() : open.resolve())
      const over = AbortSignal.any([this.#options.signal, gap.signal])
      const listening = this.#session.listen(hear, over, onOpen)
      await Promise.race([open.promise, listening, delay(OPEN_MS, undefined, { ref: false })])
      await this.#send(sink, 'notifications/subscriptions/acknowledged', { notifications: this.#honoured(uris) })
      acknowledged.resolve()
      await listening
      await this.#end(sink)
    } finally {
      await this.#session.close()
    }
  }

  async #subscribeAll(): Promise<ReadonlySet<string>> {
    const uris = this.#wanted['resourceSubscriptions']
    const honoured = new Set<string>()
    if (!Array.isArray(uris) || asObject(this.#session.identity.capabilities['resources'])?.['subscribe'] !== true)
      return honoured
    for (const uri of uris.filter((one) => typeof one === 'string')) {
      if (await this.#subscribe(uri)) honoured.add(uri)
    }
    return honoured
  }

  async #subscribe(uri: string): Promise<boolean> {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri } }))
    const reply = await this.#session.exchange({ body, envelope: scanEnvelope(body) }, this.#options)
    if (reply.kind === 'complete') return reply.envelope.result !== undefined
    let accepted = false
    if (reply.kind === 'stream') {
      await reply.pipe({
        message: (_json, envelope) => {
          accepted = envelope.result !== undefined
        },
      })
    }
    return accepted
  }

  #honoured(uris: ReadonlySet<string>): JsonObject {
    const lists = LISTS.filter(({ method }) => this.#methods.has(method)).map(({ member }) => [member, true])
    return { ...Object.fromEntries(lists), ...(uris.size === 0 ? {} : { resourceSubscriptions: [...uris] }) }
  }

  async #forward(json: Buffer, uris: ReadonlySet<string>, sink: MessageSink): Promise<void> {
    const { method, params } = asObject(JSON.parse(json.toString())) ?? {}
    if (typeof method !== 'string') return
    const uri = asObject(params)?.['uri']
    const updated = method === 'notifications/resources/updated' && typeof uri === 'string' && uris.has(uri)
    if (updated || this.#methods.has(method)) await this.#send(sink, method, asObject(params) ?? {})
  }

  async #send(sink: MessageSink, method: string, params: JsonObject): Promise<void> {
    const meta = `${JSON.stringify({ ...asObject(params['_meta']), [META.subscriptionId]: null }).slice(0, -5)}${idToken(this.#message)}}`
    const { _meta, ...rest }: Readonly<Record<string, unknown>> = params
    const members = JSON.stringify(rest).slice(1, -1)
    const json = Buffer.from(
      `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":{${members === '' ? '' : `${members},`}"_meta":${meta}}}`,
    )
    await sink.message(json, scanReply(json))
  }

  // A graceful end is a result; the caller's own abort needs none.
  async #end(sink: MessageSink): Promise<void> {
    if (this.#options.signal.aborted) return
    const id = idToken(this.#message)
    const json = Buffer.from(
      `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":{"${META.subscriptionId}":${id}}}}`,
    )
    await sink.message(json, scanReply(json))
  }
}
