import type {
  Connection,
  ExchangeOptions,
  MessageSink,
  ReplyEnvelope,
  SessionKey,
  SessionLease,
  UpstreamMessage,
  UpstreamReply,
} from '@mcp-platform/mcp-upstream'
import { scanReply, UpstreamBusyError, withId } from '@mcp-platform/mcp-upstream'
import { answerServer, askedId, canBeAsked, capabilityFor, missingCapability, PONG, REFUSAL } from './asking.js'
import type { ModernCaller } from './caller.js'
import { asObject, objectAt } from './json-edit.js'
import { LateQuestions } from './late-questions.js'
import { idToken, localResult } from './local-reply.js'
import { wantsLog } from './log-level.js'
import type { ParkedCall, Parking } from './parked-calls.js'
import { underTokenOf } from './progress-token.js'
import { setUpstreamLevel } from './upstream-level.js'

/** What may wait for a client that is slow, or that is not there, before the server is no longer read. */
const MAX_HELD_MESSAGES = 1_000
const MAX_HELD_BYTES: number = 4 * 1024 * 1024
/** Questions that a server asks at the same time are put to the client together, in milliseconds. */
const GATHER_MS = 20

export interface ParkableStart {
  readonly connection: Connection
  readonly key: SessionKey
  readonly caller: ModernCaller
  /** As the client sent it. */
  readonly original: UpstreamMessage
  /** As the server gets it. */
  readonly legacy: UpstreamMessage
  readonly options: ExchangeOptions
  readonly parked: Parking
  readonly decorate: (json: Buffer) => Buffer
}

/**
 * Starts a call that the server may hold to ask something back, or goes on with one that is held.
 * @throws RequestStateError for a request state that does not belong here; UpstreamError as an exchange does
 */
export async function startParkable(start: ParkableStart): Promise<UpstreamReply> {
  const { parked, original, caller, options } = start
  const held = parked.take(original, caller.context)
  const call = held ?? (await openCall(start))
  held?.answer(objectAt(original.body, original.envelope.params)?.['inputResponses'])
  return call.next(original, options.signal)
}

// Calls that wait for a client that may never come back must not keep out new ones of the same principal.
async function openCall(start: ParkableStart): Promise<ParkableCall> {
  const { parked, caller, connection } = start
  for (;;) {
    try {
      return await ParkableCall.open(start)
    } catch (error) {
      const full = error instanceof UpstreamBusyError && !start.options.signal.aborted
      if (!full || !(await parked.evict(caller.context, connection))) throw error
    }
  }
}

type Step =
  | { readonly kind: 'message'; readonly json: Buffer; readonly envelope: ReplyEnvelope }
  | { readonly kind: 'ask' }
  | { readonly kind: 'missing'; readonly capability: string }
  | { readonly kind: 'end' }

interface Ask {
  readonly key: string
  readonly idToken: string
  readonly method: string
  readonly params: unknown
}

/**
 * One call on a leased legacy session, running on its own: its messages queue up until a client's request collects
 * them. It outlives the request that started it, so it has a signal of its own.
 */
export class ParkableCall implements ParkedCall {
  readonly ended: Promise<void>
  readonly #lease: SessionLease
  readonly #start: ParkableStart
  readonly #abort = new AbortController()
  readonly #listening = new AbortController()
  #steps: Step[] = []
  readonly #late: LateQuestions<Ask> = new LateQuestions((asks) => this.#ask(asks))
  /** Asked by the server, not put to the client yet. */
  #asks: Ask[] = []
  /** What the client is to answer in its retry. */
  #open: Ask[] = []
  #heldBytes = 0
  #room: PromiseWithResolvers<void> | undefined
  #wake: PromiseWithResolvers<void> = Promise.withResolvers()
  #refused = false
  #failure: unknown
  #nextKey = 1

  /** @throws UpstreamError as a lease or an exchange does */
  static async open(start: ParkableStart): Promise<ParkableCall> {
    const { options, caller } = start
    const key = caller.logLevel === undefined ? start.key : { ...start.key, exclusive: true }
    const lease = await start.connection.leaseSession(key, { signal: options.signal, limits: options.limits })
    try {
      await setUpstreamLevel(lease.session, caller.logLevel, options)
      return new ParkableCall(start, lease)
    } catch (error) {
      lease.release()
      throw error
    }
  }

  private constructor(start: ParkableStart, lease: SessionLease) {
    this.#start = start
    this.#lease = lease
    if (this.#mayAskApart()) this.#listenApart()
    this.ended = this.#run()
  }

  get context(): string {
    return this.#start.caller.context
  }

  get connection(): Connection {
    return this.#start.connection
  }

  /** Gives the server's questions their answers and lets it go on. */
  answer(responses: unknown): void {
    const given = asObject(responses) ?? {}
    const asks = this.#open
    this.#open = []
    for (const ask of asks) void this.#post(ask.idToken, outcomeOf(given[ask.key]))
  }

  abandon(reason: unknown): void {
    this.#abort.abort(reason)
    this.#room?.resolve()
  }

  /** The next answer for the client: the result, a stream that ends in it, or a question. */
  async next(request: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply> {
    const onGone = (): void => this.abandon(signal.reason)
    signal.addEventListener('abort', onGone, { once: true })
    await this.#ready()
    const [first] = this.#steps
    if (first?.kind === 'message' && first.envelope.kind !== 'response') {
      return {
        kind: 'stream',
        pipe: (sink) => this.#pipe(request, sink).finally(() => signal.removeEventListener('abort', onGone)),
        cancel: (reason) => this.abandon(reason),
      }
    }
    signal.removeEventListener('abort', onGone)
    return this.#settle(request)
  }

  async #pipe(request: UpstreamMessage, sink: MessageSink): Promise<void> {
    for (;;) {
      await this.#ready()
      const [step] = this.#steps
      if (step?.kind !== 'message' || step.envelope.kind === 'response') break
      this.#shift()
      const own = underTokenOf(request, step)
      if (own) await sink.message(own.json, own.envelope)
    }
    const reply = await this.#settle(request)
    if (reply.kind === 'complete') await sink.message(reply.json, reply.envelope)
  }

  async #settle(request: UpstreamMessage): Promise<UpstreamReply> {
    const step = this.#shift()
    switch (step?.kind) {
      case 'message': {
        const json = this.#start.decorate(withId(step.json, step.envelope, Buffer.from(idToken(request))))
        return { kind: 'complete', json, envelope: scanReply(json), status: 200 }
      }
      case 'ask':
        return this.#question(request)
      case 'missing':
        return missingCapability(request, step.capability)
      default:
        throw this.#failure ?? new Error('the call ended without an answer')
    }
  }

  async #question(request: UpstreamMessage): Promise<UpstreamReply> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    this.#late.flush()
    this.#open = this.#asks
    this.#asks = []
    this.#steps = this.#steps.filter(({ kind }) => kind !== 'ask')
    const requestState = this.#start.parked.park(this, request)
    const inputRequests = Object.fromEntries(this.#open.map(({ key, method, params }) => [key, { method, params }]))
    return localResult(request, { resultType: 'input_required', inputRequests, requestState })
  }

  async #ready(): Promise<void> {
    while (this.#steps.length === 0) await this.#wake.promise
  }

  #push(step: Step): void {
    if (this.#refused && step.kind !== 'missing') return
    this.#steps.push(step)
    this.#heldBytes += sizeOf(step)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  #shift(): Step | undefined {
    const step = this.#steps.shift()
    if (step) this.#heldBytes -= sizeOf(step)
    if (!this.#isFull) this.#room?.resolve()
    return step
  }

  get #isFull(): boolean {
    return this.#steps.length > MAX_HELD_MESSAGES || this.#heldBytes > MAX_HELD_BYTES
  }

  /** Back pressure on the server: settles when the client has taken enough, or the call is given up. */
  #untilRoom(): undefined | Promise<void> {
    if (!this.#isFull || this.#abort.signal.aborted) return undefined
    this.#room = Promise.withResolvers()
    return this.#room.promise
  }

  async #run(): Promise<void> {
    try {
      const options: ExchangeOptions = { ...this.#start.options, signal: this.#abort.signal }
      const reply = await this.#lease.session.exchange(this.#start.legacy, options)
      if (reply.kind === 'complete') this.#onAnswer(reply.json, reply.envelope)
      if (reply.kind === 'stream') await reply.pipe({ message: (json, envelope) => this.#onMessage(json, envelope) })
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#late.drop()
      this.#listening.abort()
      if (this.#abort.signal.aborted && this.#isAlone()) await this.#lease.session.close()
      this.#lease.release()
      this.#push({ kind: 'end' })
    }
  }

  // What a given-up call still asks or logs must not reach the next one on its session. Others on a shared child hear
  // neither, and go on.
  #isAlone(): boolean {
    const { capabilities, logLevel } = this.#start.caller
    return canBeAsked(capabilities) || logLevel !== undefined
  }

  // Over Streamable HTTP some servers ask on the session's own stream. On a pipe all comes with the call anyway.
  #mayAskApart(): boolean {
    return canBeAsked(this.#start.caller.capabilities) && this.#lease.session.sessionId !== undefined
  }

  #listenApart(): void {
    const sink: MessageSink = {
      // Only questions: list changes and updates reach modern clients through subscriptions.
      message: (json, envelope) => (envelope.kind === 'request' ? this.#onAsk(json, envelope, 'apart') : undefined),
    }
    // A server without such a stream can still ask on the stream of the call.
    this.#lease.session.listen(sink, this.#listening.signal).catch(() => undefined)
  }

  #onMessage(json: Buffer, envelope: ReplyEnvelope): undefined | Promise<void> {
    if (envelope.kind === 'request') {
      // On a pipe nothing tells what a question is about.
      this.#onAsk(json, envelope, this.#lease.session.sessionId === undefined ? 'apart' : 'within')
      return undefined
    }
    if (envelope.kind === 'response') {
      this.#onAnswer(json, envelope)
      return undefined
    }
    this.#late.talked()
    const isLog = envelope.method === 'notifications/message'
    if (!isLog || wantsLog(json, this.#start.caller.logLevel)) this.#push({ kind: 'message', json, envelope })
    return this.#untilRoom()
  }

  // A question that has waited goes first: whoever comes back with its answer gets the result, which is here already.
  #onAnswer(json: Buffer, envelope: ReplyEnvelope): void {
    this.#late.flush()
    this.#push({ kind: 'message', json, envelope })
  }

  #onAsk(json: Buffer, envelope: ReplyEnvelope, where: 'within' | 'apart'): void {
    const token = askedId(json, envelope)
    if (envelope.method === 'ping') return void this.#post(token, PONG)
    const capability = capabilityFor(envelope.method)
    if (capability === undefined || !this.#start.parked.hasRoom) return void this.#post(token, REFUSAL)
    if (!(capability in this.#start.caller.capabilities)) return void this.#refuse(token, capability)
    const params = asObject(JSON.parse(json.toString()))?.['params'] ?? {}
    const ask = { key: `q${this.#nextKey++}`, idToken: token, method: envelope.method ?? '', params }
    if (where === 'apart' && capability === 'roots' && this.#wantsProgress) this.#late.add(ask)
    else this.#ask([ask])
  }

  // Without it a client misses nothing if it is asked at once.
  get #wantsProgress(): boolean {
    return this.#start.original.envelope.progressToken !== undefined
  }

  #ask(asks: readonly Ask[]): void {
    this.#asks.push(...asks)
    this.#push({ kind: 'ask' })
  }

  // The server was told in `initialize` what the client can do; one that asks all the same cannot be helped.
  async #refuse(token: string, capability: string): Promise<void> {
    // From here on nothing that it says counts: it may well go on without the answer.
    this.#refused = true
    await this.#post(token, REFUSAL)
    this.#push({ kind: 'missing', capability })
    this.abandon(new Error(`the server needs the capability "${capability}"`))
  }

  async #post(token: string, outcome: string): Promise<void> {
    const options = { ...this.#start.options, signal: this.#abort.signal }
    try {
      await answerServer(this.#lease.session, token, outcome, options)
    } catch (error) {
      // The server cannot be answered, so it will not go on either: the call fails with the reason.
      this.#failure ??= error
      this.abandon(error)
    }
  }
}

function sizeOf(step: Step): number {
  return step.kind === 'message' ? step.json.length : 0
}

function outcomeOf(answer: unknown): string {
  if (answer === undefined) return '"error":{"code":-32602,"message":"the client did not answer"}'
  return `"result":${JSON.stringify(answer)}`
}
