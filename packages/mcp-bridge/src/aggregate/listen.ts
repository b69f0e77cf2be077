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

/** Calls `changed` with the parts that there are: now, and each time others are there or become known, until the signal aborts. */
export type FollowParts = (changed: (parts: readonly AggregatePart[]) => void, signal: AbortSignal) => void

export interface AggregateListen extends Omit<ListingOptions, 'sealer'> {
  readonly message: UpstreamMessage
  readonly dispatch: AggregateDispatch
  readonly templateOfTask: (taskId: string) => string | undefined
  readonly follow: FollowParts
  readonly signal: AbortSignal
}

/**
 * One subscription over all parts that can honour a part of it. The first message acknowledges what they honour together;
 * a part that is too slow, or whose stream ends, joins later. One that comes or goes changes the lists of the aggregate,
 * which is announced.
 */
export function listenToAll(init: AggregateListen): UpstreamReply {
  const over = new AbortController()
  return {
    kind: 'stream',
    pipe: (sink) => new JointListener(init, over, sink).run(),
    cancel: (reason) => over.abort(reason),
  }
}

interface Wish {
  readonly part: AggregatePart
  readonly filter: JsonObject
}

/** A part that is listened to. */
interface Followed {
  readonly filter: JsonObject
  readonly over: AbortController
}

class JointListener {
  readonly #init: AggregateListen
  readonly #over: AbortController
  readonly #sink: MessageSink
  readonly #signal: AbortSignal
  readonly #wanted: JsonObject
  readonly #acknowledged = Promise.withResolvers<void>()
  readonly #honoured: Record<string, unknown> = {}
  readonly #followed = new Map<string, Followed>()
  /** Resources that no part had so far. */
  #unowned: readonly unknown[]
  #changing: Promise<void> = this.#acknowledged.promise

  constructor(init: AggregateListen, over: AbortController, sink: MessageSink) {
    this.#init = init
    this.#over = over
    this.#sink = sink
    this.#signal = AbortSignal.any([init.signal, over.signal])
    const { body, envelope } = init.message
    this.#wanted = asObject(objectAt(body, envelope.params)?.['notifications']) ?? {}
    const { resourceSubscriptions } = this.#wanted
    this.#unowned = Array.isArray(resourceSubscriptions) ? resourceSubscriptions : []
  }

  async run(): Promise<void> {
    try {
      this.#init.follow((parts) => this.#changeTo(parts), this.#signal)
      const wishes = await this.#wishesOf(this.#init.parts)
      await this.#inTime(wishes.map((wish) => this.#follow(wish)))
      await this.#acknowledge()
      this.#acknowledged.resolve()
      await ended(this.#signal)
    } finally {
      this.#over.abort(new Error('the subscription is over'))
    }
  }

  async #inTime(listening: readonly Promise<void>[]): Promise<void> {
    const enough = new AbortController()
    const late = delay(this.#init.partMs, undefined, { signal: enough.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(listening), late])
    enough.abort()
  }

  // One change after the other, the first after the acknowledgement: finding out who owns what takes its time.
  #changeTo(parts: readonly AggregatePart[]): void {
    this.#changing = this.#changing
      .then(() => this.#take(parts))
      .catch((error: unknown) => {
        if (!this.#signal.aborted) this.#over.abort(error)
      })
  }

  async #take(parts: readonly AggregatePart[]): Promise<void> {
    const there = new Set(parts.map(({ template }) => template))
    const gone = [...this.#followed].filter(([template]) => !there.has(template))
    for (const [template, { over }] of gone) {
      over.abort(new Error('the template is gone'))
      this.#followed.delete(template)
    }
    const come = await this.#wishesOf(parts.filter(({ template }) => !this.#followed.has(template)))
    for (const wish of come) void this.#follow(wish)
    const filters = [...gone.map(([, { filter }]) => filter), ...come.map(({ filter }) => filter)]
    await this.#announce(filters)
  }

  // Whatever these parts list is another list now.
  async #announce(filters: readonly JsonObject[]): Promise<void> {
    for (const [member, feature] of Object.entries(LISTS)) {
      if (!filters.some((filter) => filter[member] === true)) continue
      await this.#say(`notifications/${feature}/list_changed`, '')
    }
  }

  async #wishesOf(parts: readonly AggregatePart[]): Promise<readonly Wish[]> {
    const uris = await this.#byOwner(parts)
    const wishes = parts.map((part): Wish => {
      const lists = Object.entries(LISTS).filter(
        ([name, feature]) => this.#wanted[name] === true && offers(part, feature),
      )
      const own = uris.get(part) ?? []
      const resources = own.length === 0 ? {} : { resourceSubscriptions: own }
      const tasks = this.#tasksOf(part)
      return { part, filter: { ...Object.fromEntries(lists.map(([name]) => [name, true])), ...resources, ...tasks } }
    })
    return wishes.filter(({ filter }) => Object.keys(filter).length > 0)
  }

  #tasksOf({ template }: AggregatePart): JsonObject {
    const { taskIds } = this.#wanted
    const all: readonly unknown[] = Array.isArray(taskIds) ? taskIds : []
    const own = all.filter((id) => typeof id === 'string' && this.#init.templateOfTask(id) === template)
    return own.length === 0 ? {} : { taskIds: own }
  }

  async #byOwner(parts: readonly AggregatePart[]): Promise<ReadonlyMap<AggregatePart, readonly string[]>> {
    const found = new Map<AggregatePart, string[]>()
    const unowned: unknown[] = []
    for (const uri of this.#unowned) {
      const among = { ...this.#init, parts }
      const owner = typeof uri === 'string' ? await ownerOf(uri, this.#signal, among) : undefined
      if (owner && typeof uri === 'string') found.set(owner, [...(found.get(owner) ?? []), uri])
      else unowned.push(uri)
    }
    this.#unowned = unowned
    return found
  }

  /** Keeps listening to one part; resolves when it has acknowledged, or failed, for the first time. */
  #follow(wish: Wish): Promise<void> {
    const first = Promise.withResolvers<void>()
    const over = new AbortController()
    this.#followed.set(wish.part.template, { filter: wish.filter, over })
    void this.#keepListening(wish, AbortSignal.any([this.#signal, over.signal]), first.resolve)
    return first.promise
  }

  async #keepListening(wish: Wish, signal: AbortSignal, onFirst: () => void): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listen(wish, signal, onFirst)
      } catch (error) {
        if (!signal.aborted) {
          this.#init.onPartFailed({ template: wish.part.template, method: 'subscriptions/listen', error })
        }
      }
      onFirst()
      await delay(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #listen({ part, filter }: Wish, signal: AbortSignal, onFirst: () => void): Promise<void> {
    const message = withFilter(this.#init.message, filter)
    const reply = await this.#init.dispatch(part.template, message, { signal })
    if (reply.kind !== 'stream') return
    await reply.pipe({
      message: async (json, envelope) => {
        if (envelope.method === ACKNOWLEDGED) {
          this.#join(json, envelope)
          onFirst()
          return
        }
        if (envelope.kind !== 'notification') return
        await this.#acknowledged.promise
        await this.#sink.message(json, envelope)
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

  #acknowledge(): Promise<void> {
    return this.#say(ACKNOWLEDGED, `"notifications":${JSON.stringify(this.#honoured)},`)
  }

  async #say(method: string, members: string): Promise<void> {
    const id = idToken(this.#init.message)
    const json = Buffer.from(
      `{"jsonrpc":"2.0","method":"${method}","params":{${members}"_meta":{"${META.subscriptionId}":${id}}}}`,
    )
    await this.#sink.message(json, scanReply(json))
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
