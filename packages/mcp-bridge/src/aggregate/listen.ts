import { setTimeout as delay } from 'node:timers/promises'
import type { MessageSink, ReplyEnvelope, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import { scanEnvelope, scanReply } from '@mcp-platform/mcp-upstream'
import { asObject, objectAt } from '../json-edit.js'
import type { JsonObject } from '../json-object.js'
import { idToken } from '../local-reply.js'
import { META } from '../versions.js'
import type { ListingOptions } from './listing.js'
import { ownerOf } from './owners.js'
import { type AggregateDispatch, type AggregatePart, offers } from './part.js'

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
/** Pause before a part whose stream ended is listened to again, in milliseconds. */
const AGAIN_MS = 5_000

const LISTS = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const

export interface AggregateListen extends Omit<ListingOptions, 'sealer'> {
  readonly message: UpstreamMessage
  readonly dispatch: AggregateDispatch
  readonly templateOfTask: (taskId: string) => string | undefined
  readonly signal: AbortSignal
}

/**
 * One subscription over all parts that can honour a part of it. The first message acknowledges what they honour together;
 * a part that is too slow, or whose stream ends, joins later.
 */
export function listenToAll(init: AggregateListen): UpstreamReply {
  const over = new AbortController()
  return {
    kind: 'stream',
    pipe: (sink) => new JointListener(init, over).run(sink),
    cancel: (reason) => over.abort(reason),
  }
}

interface Wish {
  readonly part: AggregatePart
  readonly filter: JsonObject
}

class JointListener {
  readonly #init: AggregateListen
  readonly #over: AbortController
  readonly #signal: AbortSignal
  readonly #honoured: Record<string, unknown> = {}

  constructor(init: AggregateListen, over: AbortController) {
    this.#init = init
    this.#over = over
    this.#signal = AbortSignal.any([init.signal, over.signal])
  }

  async run(sink: MessageSink): Promise<void> {
    try {
      const acknowledged = Promise.withResolvers<void>()
      const wishes = await this.#wishes()
      const listening = wishes.map((wish) => this.#follow(wish, sink, acknowledged.promise))
      const enough = new AbortController()
      const late = delay(this.#init.partMs, undefined, { signal: enough.signal, ref: false }).catch(() => undefined)
      await Promise.race([Promise.all(listening), late])
      enough.abort()
      await this.#acknowledge(sink)
      acknowledged.resolve()
      await ended(this.#signal)
    } finally {
      this.#over.abort(new Error('the subscription is over'))
    }
  }

  async #wishes(): Promise<readonly Wish[]> {
    const { message, parts } = this.#init
    const wanted = asObject(objectAt(message.body, message.envelope.params)?.['notifications']) ?? {}
    const uris = await this.#byOwner(wanted['resourceSubscriptions'])
    const wishes = parts.map((part): Wish => {
      const lists = Object.entries(LISTS).filter(([name, feature]) => wanted[name] === true && offers(part, feature))
      const own = uris.get(part) ?? []
      const taskIds = this.#tasksOf(part, wanted['taskIds'])
      const resources = own.length === 0 ? {} : { resourceSubscriptions: own }
      return { part, filter: { ...Object.fromEntries(lists.map(([name]) => [name, true])), ...resources, ...taskIds } }
    })
    return wishes.filter(({ filter }) => Object.keys(filter).length > 0)
  }

  #tasksOf({ template }: AggregatePart, taskIds: unknown): JsonObject {
    const all: readonly unknown[] = Array.isArray(taskIds) ? taskIds : []
    const own = all.filter((id) => typeof id === 'string' && this.#init.templateOfTask(id) === template)
    return own.length === 0 ? {} : { taskIds: own }
  }

  async #byOwner(uris: unknown): Promise<ReadonlyMap<AggregatePart, readonly string[]>> {
    const found = new Map<AggregatePart, string[]>()
    for (const uri of Array.isArray(uris) ? uris : []) {
      const owner = typeof uri === 'string' ? await ownerOf(uri, this.#signal, this.#init) : undefined
      if (owner) found.set(owner, [...(found.get(owner) ?? []), uri])
    }
    return found
  }

  /** Keeps listening to one part; resolves when it has acknowledged, or failed, for the first time. */
  #follow(wish: Wish, sink: MessageSink, acknowledged: Promise<void>): Promise<void> {
    const first = Promise.withResolvers<void>()
    void this.#keepListening(wish, sink, acknowledged, first.resolve)
    return first.promise
  }

  async #keepListening(wish: Wish, sink: MessageSink, acknowledged: Promise<void>, onFirst: () => void): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#listen(wish, sink, acknowledged, onFirst)
      } catch (error) {
        if (!this.#signal.aborted) {
          this.#init.onPartFailed({ template: wish.part.template, method: 'subscriptions/listen', error })
        }
      }
      onFirst()
      await delay(AGAIN_MS, undefined, { signal: this.#signal, ref: false }).catch(() => undefined)
    }
  }

  async #listen(
    { part, filter }: Wish,
    sink: MessageSink,
    acknowledged: Promise<void>,
    onFirst: () => void,
  ): Promise<void> {
    const message = withFilter(this.#init.message, filter)
    const reply = await this.#init.dispatch(part.template, message, { signal: this.#signal })
    if (reply.kind !== 'stream') return
    await reply.pipe({
      message: async (json, envelope) => {
        if (envelope.method === ACKNOWLEDGED) {
          this.#join(json, envelope)
          onFirst()
          return
        }
        if (envelope.kind !== 'notification') return
        await acknowledged
        await sink.message(json, envelope)
      },
    })
  }

  #join(json: Buffer, envelope: ReplyEnvelope): void {
    const honoured = asObject(objectAt(json, envelope.params)?.['notifications']) ?? {}
    for (const [name, value] of Object.entries(honoured)) {
      const before = this.#honoured[name]
      this.#honoured[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value
    }
  }

  async #acknowledge(sink: MessageSink): Promise<void> {
    const id = idToken(this.#init.message)
    const notifications = JSON.stringify(this.#honoured)
    const json = Buffer.from(
      `{"jsonrpc":"2.0","method":"${ACKNOWLEDGED}","params":{"notifications":${notifications},"_meta":{"${META.subscriptionId}":${id}}}}`,
    )
    await sink.message(json, scanReply(json))
  }
}

function withFilter(message: UpstreamMessage, filter: JsonObject): UpstreamMessage {
  const whole = asObject(JSON.parse(message.body.toString())) ?? {}
  const params = { ...asObject(whole['params']), notifications: filter }
  const body = Buffer.from(JSON.stringify({ ...whole, params }))
  return { ...message, body, envelope: scanEnvelope(body) }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
