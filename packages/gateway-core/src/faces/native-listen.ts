import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayCall, GatewayReply } from '../call.js'
import type { Pipeline } from '../pipeline.js'
import type { Route } from '../route.js'

type Sink = Parameters<(GatewayReply & { kind: 'stream' })['pipe']>[0]

/** Time between two looks at which instances there are, in milliseconds. */
const LOOK_MS = 5_000
/** How long the acknowledgement waits for the other instances, in milliseconds. */
const OTHERS_MS = 1_500
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'

/**
 * `subscriptions/listen` on a template with several instances: any of them may serve the call that changes something, so
 * all of them are listened to. The first one speaks for the subscription (acknowledgement and end); the others only add
 * what they announce, and are found again when they come and go.
 */
export async function listenEverywhere(call: GatewayCall, route: Route, pipeline: Pipeline): Promise<GatewayReply> {
  const first = await pipeline.run(call)
  if (first.kind !== 'stream') return first
  return {
    kind: 'stream',
    pipe: (sink) => new WideListener(call, route, pipeline).run(first, sink),
    cancel: (reason) => first.cancel(reason),
  }
}

class WideListener {
  readonly #call: GatewayCall
  readonly #route: Route
  readonly #pipeline: Pipeline
  readonly #over = new AbortController()
  readonly #signal: AbortSignal
  readonly #open = new Set<string>()

  constructor(call: GatewayCall, route: Route, pipeline: Pipeline) {
    this.#call = call
    this.#route = route
    this.#pipeline = pipeline
    this.#signal = AbortSignal.any([call.signal, this.#over.signal])
  }

  async run(first: GatewayReply & { kind: 'stream' }, sink: Sink): Promise<void> {
    if (this.#call.trace.instanceId !== undefined) this.#open.add(this.#call.trace.instanceId)
    let timer: NodeJS.Timeout | undefined
    try {
      await first.pipe({
        message: async (json, envelope) => {
          if (envelope.method === ACKNOWLEDGED && timer === undefined) {
            await this.#others(sink)
            timer = setInterval(() => this.#listenToOthers(sink), LOOK_MS).unref()
          }
          await sink.message(json, envelope)
        },
      })
    } finally {
      clearInterval(timer)
      this.#over.abort(new Error('the subscription is over'))
    }
  }

  // The acknowledgement promises that nothing is missed from now on, so it waits for those that answer soon.
  async #others(sink: Sink): Promise<void> {
    const enough = new AbortController()
    const late = delay(OTHERS_MS, undefined, { signal: enough.signal, ref: false }).catch(() => undefined)
    await Promise.race([Promise.all(this.#listenToOthers(sink)), late])
    enough.abort()
  }

  #listenToOthers(sink: Sink): Promise<void>[] {
    const missing = [...this.#route.endpoints()].filter(({ id }) => !this.#open.has(id))
    return missing.map(({ id }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      void this.#listenTo(id, sink, resolve).finally(resolve)
      return promise
    })
  }

  async #listenTo(id: string, sink: Sink, acknowledged: () => void): Promise<void> {
    this.#open.add(id)
    try {
      const trace = { ...this.#call.trace }
      const reply = await this.#pipeline.run({ ...this.#call, pinnedTo: id, signal: this.#signal, trace })
      if (reply.kind === 'stream') await reply.pipe(othersSink(sink, acknowledged))
    } catch {
      // The call's event has told of the failure; the instance is tried again at the next look.
    } finally {
      this.#open.delete(id)
    }
  }
}

// Only what an instance announces; the first one has acknowledged and will end the subscription.
function othersSink(sink: Sink, acknowledged: () => void): Sink {
  return {
    message(json, envelope) {
      if (envelope.method === ACKNOWLEDGED) return acknowledged()
      return envelope.kind === 'notification' ? sink.message(json, envelope) : undefined
    },
  }
}
