import type {
  Connection,
  ExchangeOptions,
  MessageSink,
  ServerIdentity,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import { scanEnvelope } from '@mcp-platform/mcp-upstream'
import type { ClientSession } from '../client-session.js'
import { asObject } from '../json-edit.js'
import { localError, localResult } from '../local-reply.js'
import { RPC } from '../protocol-error.js'
import { META } from '../versions.js'
import { envelopeOf } from './legacy-envelope.js'

/** Bounds of a listen stream: it lives as long as the session, and no silence ends it, in milliseconds. */
const LISTEN_LIMITS = { connectMs: 2_000, firstByteMs: 15_000, idleMs: 0x7fff_ffff, maxAnswerBytes: 1024 * 1024 }
/** Pause before a listen stream that broke is opened again, in milliseconds. */
const REOPEN_MS = 1_000

/** The stateless side of a connection: all that a legacy client needs of a modern server. */
export type ModernServer = Pick<Connection, 'modern'>

/** What the server announced that it may tell of. */
interface Announced {
  readonly toolsListChanged?: true
  readonly promptsListChanged?: true
  readonly resourcesListChanged?: true
}

const listeners = new WeakMap<ClientSession, ModernListener>()

/** Opens the session's `subscriptions/listen` upstream for the lists whose changes the server announces. */
export function followLists(connection: ModernServer, identity: ServerIdentity, session: ClientSession): void {
  if (listeners.has(session)) return
  const listener = new ModernListener(connection, session, announced(identity))
  listeners.set(session, listener)
  listener.restart()
}

/** `resources/subscribe`: widens the session's listen stream; answered once the server has acknowledged it. */
export async function subscribe(
  connection: ModernServer,
  session: ClientSession,
  message: UpstreamMessage,
  options: ExchangeOptions,
): Promise<UpstreamReply> {
  const { uri } = message.envelope
  if (uri === undefined) return localError(message, { code: RPC.invalidParams, message: 'uri must be a string' }, 200)
  const listener = listeners.get(session) ?? new ModernListener(connection, session, {})
  listeners.set(session, listener)
  await listener.add(uri, options.signal)
  return localResult(message, {})
}

/** `resources/unsubscribe`: narrows the session's listen stream. */
export function unsubscribe(session: ClientSession, message: UpstreamMessage): UpstreamReply {
  const { uri } = message.envelope
  if (uri === undefined) return localError(message, { code: RPC.invalidParams, message: 'uri must be a string' }, 200)
  listeners.get(session)?.remove(uri)
  return localResult(message, {})
}

/** Keeps one listen stream per legacy session, with the filter that the session wants now. */
class ModernListener {
  readonly #connection: ModernServer
  readonly #session: ClientSession
  readonly #announced: Announced
  readonly #uris = new Set<string>()
  #current: AbortController | undefined
  #acknowledged: PromiseWithResolvers<void> = Promise.withResolvers()

  constructor(connection: ModernServer, session: ClientSession, announcedLists: Announced) {
    this.#connection = connection
    this.#session = session
    this.#announced = announcedLists
  }

  async add(uri: string, signal: AbortSignal): Promise<void> {
    if (this.#uris.has(uri)) return
    this.#uris.add(uri)
    this.restart()
    const gone = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )
    await Promise.race([this.#acknowledged.promise, gone])
  }

  remove(uri: string): void {
    if (this.#uris.delete(uri)) this.restart()
  }

  /** Opens a stream with the present filter, then lets the old one go, so that nothing between is missed. */
  restart(): void {
    const previous = this.#current
    const current = new AbortController()
    this.#current = current
    this.#acknowledged = Promise.withResolvers()
    const { promise } = this.#acknowledged
    const closePrevious = (): void => previous?.abort(new Error('replaced by a wider stream'))
    promise.then(closePrevious, closePrevious)
    if (this.#wantsNothing()) this.#acknowledged.resolve()
    else void this.#keepOpen(AbortSignal.any([current.signal, this.#session.ended]), this.#acknowledged)
  }

  #wantsNothing(): boolean {
    return this.#uris.size === 0 && Object.keys(this.#announced).length === 0
  }

  async #keepOpen(signal: AbortSignal, acknowledged: PromiseWithResolvers<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listen(signal, acknowledged)
      } catch (error) {
        if (!signal.aborted) acknowledged.reject(error)
      }
      await new Promise((resolve) => setTimeout(resolve, REOPEN_MS).unref())
    }
  }

  async #listen(signal: AbortSignal, acknowledged: PromiseWithResolvers<void>): Promise<void> {
    const reply = await this.#connection.modern.exchange(this.#request(), { signal, limits: LISTEN_LIMITS })
    if (reply.kind !== 'stream') {
      acknowledged.reject(new Error('the server did not open a subscription stream'))
      return
    }
    await reply.pipe(this.#sink(acknowledged))
  }

  #sink(acknowledged: PromiseWithResolvers<void>): MessageSink {
    return {
      message: (json, envelope) => {
        if (envelope.method === 'notifications/subscriptions/acknowledged') return acknowledged.resolve()
        if (envelope.kind !== 'notification') return undefined
        return this.#session.announce(withoutSubscriptionId(json), envelope.method)
      },
    }
  }

  #request(): UpstreamMessage {
    const notifications = {
      ...this.#announced,
      ...(this.#uris.size === 0 ? {} : { resourceSubscriptions: [...this.#uris] }),
    }
    const params = { notifications, _meta: envelopeOf(this.#session) }
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }))
    return { body, envelope: scanEnvelope(body) }
  }
}

function announced({ capabilities }: ServerIdentity): Announced {
  const says = (name: string, member: string): boolean => asObject(capabilities[name])?.[member] === true
  return {
    ...(says('tools', 'listChanged') ? { toolsListChanged: true } : {}),
    ...(says('prompts', 'listChanged') ? { promptsListChanged: true } : {}),
    ...(says('resources', 'listChanged') ? { resourcesListChanged: true } : {}),
  }
}

// A legacy client has no subscription: the tag would only name an id that it never chose.
function withoutSubscriptionId(json: Buffer): Buffer {
  const message = asObject(JSON.parse(json.toString())) ?? {}
  const params = asObject(message['params'])
  const meta = asObject(params?.['_meta'])
  if (!params || !meta) return json
  const { [META.subscriptionId]: _id, ...rest } = meta
  return Buffer.from(JSON.stringify({ ...message, params: { ...params, _meta: rest } }))
}
