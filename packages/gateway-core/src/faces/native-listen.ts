import { setTimeout as delay } from 'node:timers/promises'
import { idToken, type JsonObject, META } from '@mcp-platform/mcp-bridge'
import { type MessageSink, type ReplyEnvelope, scanReply } from '@mcp-platform/mcp-upstream'
import { type GatewayCall, type GatewayReply, newTrace } from '../call.js'
import { GatewayError } from '../errors.js'
import type { Route } from '../route.js'
import type { FaceContext } from './context.js'
import { Gatherer } from './gatherer.js'
import { ListenedTasks } from './listened-tasks.js'

/** What it needs of the gateway. */
export type ListenContext = Pick<FaceContext, 'pipeline' | 'routes' | 'tasks'>

type StreamReply = GatewayReply & { readonly kind: 'stream' }

/** Time between two looks at which instances there are, in milliseconds. */
const LOOK_MS = 1_000
/** A template that is not there for so many looks is not coming back: nobody would ever speak on the subscription. */
const LOOKS_FOR_A_LOST_TEMPLATE = 5
/** How long the acknowledgement waits for the other instances, in milliseconds. */
const OTHERS_MS = 1_500
/** Pause before an instance whose stream ended is listened to again, in milliseconds; doubled each time up to the other. */
const AGAIN_MS = 250
const MAX_AGAIN_MS = 15_000
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

const LISTS: Readonly<Record<string, string>> = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
}

/**
 * `subscriptions/listen` on a template: any of its instances may serve the call that changes something, so all of them
 * are listened to, also those that come later. The first one acknowledges. The subscription outlives each of them: one
 * whose stream ends is listened to again, and since something may have been missed meanwhile, everything that was
 * subscribed to is announced as changed, once. It ends with the signal of the call, and with TEMPLATE_NOT_FOUND some seconds
 * after its template was removed.
 */
export async function listenEverywhere(call: GatewayCall, context: ListenContext): Promise<GatewayReply> {
  const { pipeline, routes } = context
  const tasks = new ListenedTasks(call, context.tasks)
  const over = new AbortController()
  const signal = AbortSignal.any([call.signal, over.signal])
  const home = tasks.firstHome
  const pinnedTo = home !== undefined && routes.find(call.template)?.endpoint(home) ? home : call.pinnedTo
  const first = await pipeline.run({ ...call, signal, pinnedTo, message: tasks.messageFor(home) })
  if (first.kind !== 'stream') return first
  return {
    kind: 'stream',
    pipe: (sink) => new WideListener({ call: { ...call, signal }, context, tasks, over, sink }).run(first),
    cancel: (reason) => over.abort(reason),
  }
}

interface Listening {
  readonly call: GatewayCall
  readonly context: ListenContext
  readonly tasks: ListenedTasks
  readonly over: AbortController
  readonly sink: MessageSink
}

class WideListener {
  readonly #call: GatewayCall
  readonly #context: ListenContext
  readonly #tasks: ListenedTasks
  readonly #over: AbortController
  readonly #sink: MessageSink
  readonly #gatherer: Gatherer
  readonly #begun = Promise.withResolvers<void>()
  /** Instances that are looked after. */
  readonly #kept = new Set<string>()
  /** Instances that have acknowledged and whose stream has not ended. */
  readonly #open = new Set<string>()
  #honoured: JsonObject = {}
  #mayHaveMissed = false
  #looksWithoutRoute = 0

  constructor({ call, context, tasks, over, sink }: Listening) {
    this.#call = call
    this.#context = context
    this.#tasks = tasks
    this.#over = over
    this.#sink = sink
    this.#gatherer = new Gatherer(sink, (error) => over.abort(error))
  }

  /** Rejects with the reason of the signal, or with what went wrong before the subscription was acknowledged. */
  async run(first: StreamReply): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      const ended = first.pipe({ message: (json, envelope) => this.#firstMessage(json, envelope) })
      await Promise.race([this.#begun.promise, ended])
      // A refusal: it was passed on.
      if (this.#open.size === 0) return
      void this.#keep(this.#firstId, ended)
      timer = setInterval(() => this.#look(), LOOK_MS).unref()
      await aborted(this.#call.signal)
    } finally {
      clearInterval(timer)
      this.#gatherer.close()
      this.#over.abort(new Error('the subscription is over'))
    }
  }

  // Looked up each time: a template that is deleted and registered again has another route.
  get #route(): Route | undefined {
    return this.#context.routes.find(this.#call.template)
  }

  get #firstId(): string {
    return this.#call.trace.instanceId ?? ''
  }

  async #firstMessage(json: Buffer, envelope: ReplyEnvelope): Promise<void> {
    if (this.#open.size > 0) return this.#hear(json, envelope, this.#firstId)
    if (envelope.method === ACKNOWLEDGED) {
      this.#open.add(this.#firstId)
      this.#kept.add(this.#firstId)
      this.#honoured = honouredIn(json, envelope)
      await this.#others()
      await this.#pass(this.#tasks.acknowledged(json), json, envelope)
    } else await this.#sink.message(json, envelope)
    this.#begun.resolve()
  }

  // The acknowledgement promises that nothing is missed from now on, so it waits for those that answer soon.
  async #others(): Promise<void> {
    const enough = new AbortController()
    const late = delay(OTHERS_MS, undefined, { signal: enough.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(this.#look()), late])
    enough.abort()
  }

  /** Begins to listen to the instances that are not listened to; each promise resolves at its first success or failure. */
  #look(): Promise<void>[] {
    this.#looksWithoutRoute = this.#route ? 0 : this.#looksWithoutRoute + 1
    if (this.#looksWithoutRoute === LOOKS_FOR_A_LOST_TEMPLATE) this.#over.abort(goneTemplate(this.#call))
    const missing = [...(this.#route?.endpoints() ?? [])].filter(({ id }) => !this.#kept.has(id))
    return missing.map(({ id }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      void this.#keep(id, undefined, resolve)
      return promise
    })
  }

  /** Listens to one instance for as long as it is there. */
  async #keep(id: string, first?: Promise<void>, onFirst: () => void = () => undefined): Promise<void> {
    this.#kept.add(id)
    let pauseMs = AGAIN_MS
    let stream = first
    while (this.#isWanted(id)) {
      const opened = await this.#follow(id, stream ?? this.#listen(id, onFirst))
      stream = undefined
      onFirst()
      await delay(pauseMs, undefined, { signal: this.#call.signal, ref: false }).catch(() => undefined)
      pauseMs = opened ? AGAIN_MS : Math.min(pauseMs * 2, MAX_AGAIN_MS)
    }
    this.#kept.delete(id)
  }

  #isWanted(id: string): boolean {
    return !this.#call.signal.aborted && this.#route?.endpoint(id) !== undefined
  }

  /** Resolves when the stream has ended: true if it had been open. */
  async #follow(id: string, stream: Promise<void>): Promise<boolean> {
    try {
      await stream
    } catch {
      // The call's event has told of the failure; the instance is tried again.
    }
    const wasOpen = this.#open.delete(id)
    if (wasOpen && !this.#call.signal.aborted) {
      this.#mayHaveMissed = true
      if (this.#open.size > 0) this.#announceAll()
    }
    return wasOpen
  }

  async #listen(id: string, onFirst: () => void): Promise<void> {
    // One that is known to be down is not asked each time: its probe finds out when it is back.
    if (!this.#route?.health.isAvailable(id)) return
    const message = this.#tasks.messageFor(id)
    const call = { ...this.#call, message, pinnedTo: id, internal: true, trace: newTrace() }
    const reply = await this.#context.pipeline.run(call)
    if (reply.kind !== 'stream') return
    await reply.pipe({
      message: (json, envelope) => {
        if (envelope.method !== ACKNOWLEDGED) return this.#hear(json, envelope, id)
        onFirst()
        return this.#opened(id)
      },
    })
  }

  #opened(id: string): void {
    this.#open.add(id)
    if (this.#mayHaveMissed) this.#announceAll()
  }

  // The end of one instance's stream is not the end of the subscription.
  async #hear(json: Buffer, envelope: ReplyEnvelope, instanceId: string): Promise<void> {
    if (envelope.kind !== 'notification') return
    await this.#begun.promise
    const known = this.#tasks.heard(json, envelope, instanceId)
    await this.#gatherer.take(known, known === json ? envelope : scanReply(known), this.#kept.size > 1)
  }

  #pass(changed: Buffer, json: Buffer, envelope: ReplyEnvelope): void | Promise<void> {
    return this.#sink.message(changed, changed === json ? envelope : scanReply(changed))
  }

  #announceAll(): void {
    this.#mayHaveMissed = false
    const { resourceSubscriptions } = this.#honoured
    for (const [member, method] of Object.entries(LISTS)) if (this.#honoured[member] === true) this.#announce(method)
    for (const uri of Array.isArray(resourceSubscriptions) ? resourceSubscriptions : [])
      this.#announce('notifications/resources/updated', { uri })
  }

  #announce(method: string, params: JsonObject = {}): void {
    const members = JSON.stringify(params).slice(1, -1)
    const meta = `"_meta":{"${META.subscriptionId}":${idToken(this.#call.message)}}`
    const json = Buffer.from(
      `{"jsonrpc":"2.0","method":"${method}","params":{${members === '' ? meta : `${members},${meta}`}}}`,
    )
    void this.#hear(json, scanReply(json), '').catch((error: unknown) => this.#over.abort(error))
  }
}

function goneTemplate({ template }: GatewayCall): GatewayError {
  return new GatewayError('TEMPLATE_NOT_FOUND', `the template "${template}" is gone`, { template })
}

function honouredIn(json: Buffer, { params }: ReplyEnvelope): JsonObject {
  if (!params) return {}
  const { notifications }: { notifications?: unknown } = JSON.parse(json.toString('utf8', params.start, params.end))
  return typeof notifications === 'object' && notifications !== null ? { ...notifications } : {}
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
