import { createHash, randomBytes } from 'node:crypto'
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
import { scanEnvelope, scanReply, withId } from '@mcp-platform/mcp-upstream'
import type { ModernCaller } from './caller.js'
import { asObject, objectAt } from './json-edit.js'
import { idToken, localResult } from './local-reply.js'
import { ProtocolError, RPC } from './protocol-error.js'
import type { Sealer } from './sealer.js'

/** A person may think for this long before the call is given up, in milliseconds. */
const MAX_PARKED_MS = 10 * 60_000
const MAX_PARKED = 1_000
/** Questions that a server asks at the same time are put to the client together, in milliseconds. */
const GATHER_MS = 20

const CAPABILITY: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

/** What a sealed `requestState` of ours carries. The inner call is found by `id`; the rest must match the retry. */
interface SealedCall {
  readonly id: string
  readonly home: string
  readonly principal: string
  readonly digest: string
  readonly instanceId: string | undefined
  readonly expiresAt: number
}

export interface ParkedCallsOptions {
  readonly sealer: Sealer
  /** Name of this process: a retry that arrives elsewhere is sent here. */
  readonly home: string
  /** Milliseconds since 1970. @default Date.now */
  readonly wallNow?: (() => number) | undefined
}

/**
 * Calls of modern clients that a legacy server holds open because it asked something back. Each waits behind a sealed
 * `requestState`, bound to principal, request and expiry, for the retry that carries the answers.
 */
export class ParkedCalls {
  readonly #sealer: Sealer
  readonly #home: string
  readonly #wallNow: () => number
  readonly #calls = new Map<string, ParkableCall>()

  constructor(options: ParkedCallsOptions) {
    this.#sealer = options.sealer
    this.#home = options.home
    this.#wallNow = options.wallNow ?? Date.now
  }

  get size(): number {
    return this.#calls.size
  }

  /** True if the process can park one more. */
  get hasRoom(): boolean {
    return this.#calls.size < MAX_PARKED
  }

  /** Keeps a call until its retry; the text is what the client sends back. */
  park(call: ParkableCall, principal: string, request: UpstreamMessage): string {
    const id = randomBytes(12).toString('base64url')
    this.#calls.set(id, call)
    const timer = setTimeout(() => this.#expire(id), MAX_PARKED_MS).unref()
    void call.ended.then(() => {
      clearTimeout(timer)
      this.#calls.delete(id)
    })
    const sealed: SealedCall = {
      id,
      home: this.#home,
      principal,
      digest: digestOf(request),
      instanceId: undefined,
      expiresAt: this.#wallNow() + MAX_PARKED_MS,
    }
    return this.#sealer.seal('request-state', sealed)
  }

  /**
   * The parked call that a retry continues; undefined for a request state that is not ours (a modern server's own).
   * Each can be taken once: a second retry finds nothing.
   * @throws ProtocolError for one of ours that is expired, of another principal or request, or already taken
   */
  take(request: UpstreamMessage, principal: string): ParkableCall | undefined {
    const { requestState } = request.envelope
    const sealed = requestState === undefined ? undefined : this.#sealer.open('request-state', requestState)
    if (!isSealedCall(sealed)) return undefined
    const call = this.#calls.get(sealed.id)
    const fits =
      sealed.principal === principal && sealed.digest === digestOf(request) && sealed.expiresAt > this.#wallNow()
    if (!call || !fits)
      throw new ProtocolError(
        RPC.invalidParams,
        400,
        'requestState is unknown or has expired; send the request again without it',
      )
    this.#calls.delete(sealed.id)
    return call
  }

  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.abandon(new Error('the gateway is shutting down'))
    this.#calls.clear()
  }

  #expire(id: string): void {
    this.#calls.get(id)?.abandon(new Error('nobody answered the question in time'))
    this.#calls.delete(id)
  }
}

// The same request with answers added: what must not change between a question and its answer.
function digestOf({ envelope, body }: UpstreamMessage): string {
  const args = envelope.arguments ? body.subarray(envelope.arguments.start, envelope.arguments.end) : ''
  return createHash('sha256')
    .update(`${envelope.method}\n${envelope.name ?? envelope.uri}\n`)
    .update(args)
    .digest('base64url')
}

function isSealedCall(value: unknown): value is SealedCall {
  const { id, principal, digest, expiresAt } = asObject(value) ?? {}
  return (
    typeof id === 'string' &&
    typeof principal === 'string' &&
    typeof digest === 'string' &&
    typeof expiresAt === 'number'
  )
}

export interface ParkableStart {
  readonly connection: Connection
  readonly key: SessionKey
  readonly caller: ModernCaller
  readonly original: UpstreamMessage
  readonly legacy: UpstreamMessage
  readonly options: ExchangeOptions
  readonly parked: ParkedCalls
  readonly decorate: (json: Buffer) => Buffer
}

/** Starts a call that the server may hold to ask something back, or goes on with one that is held. */
export async function startParkable(start: ParkableStart): Promise<UpstreamReply> {
  const { parked, original, caller, options } = start
  const held = parked.take(original, caller.context)
  if (held) {
    held.answer(objectAt(original.body, original.envelope.params)?.['inputResponses'])
    return held.next(original, caller.context, options.signal)
  }
  const call = await ParkableCall.open(start)
  return call.next(original, caller.context, options.signal)
}

type Step =
  | { readonly kind: 'message'; readonly json: Buffer; readonly envelope: ReplyEnvelope }
  | { readonly kind: 'ask' }
  | { readonly kind: 'end' }

interface Ask {
  readonly idToken: string
  readonly method: string
  readonly params: unknown
}

/**
 * One call on a leased legacy session, running on its own: its messages queue up until a client's request collects
 * them. It outlives the request that started it, so it has a signal of its own.
 */
export class ParkableCall {
  readonly ended: Promise<void>
  readonly #lease: SessionLease
  readonly #start: ParkableStart
  readonly #abort = new AbortController()
  readonly #listening = new AbortController()
  readonly #steps: Step[] = []
  #asks: { key: string; ask: Ask }[] = []
  #wake: PromiseWithResolvers<void> = Promise.withResolvers()
  #failure: unknown
  #nextKey = 1

  /** @throws UpstreamError as a lease or an exchange does */
  static async open(start: ParkableStart): Promise<ParkableCall> {
    const { signal, limits } = start.options
    const lease = await start.connection.leaseSession(start.key, { signal, limits })
    return new ParkableCall(start, lease)
  }

  private constructor(start: ParkableStart, lease: SessionLease) {
    this.#start = start
    this.#lease = lease
    // Some servers ask on the stream of the call, some on the session's own.
    const listening = lease.session.listen(
      { message: (json, envelope) => this.#onOutOfBand(json, envelope) },
      this.#listening.signal,
    )
    this.ended = this.#run()
    listening.catch(() => undefined)
  }

  /** Gives the server's questions their answers and lets it go on. */
  answer(responses: unknown): void {
    const given = asObject(responses) ?? {}
    const asks = this.#asks
    this.#asks = []
    for (const { key, ask } of asks) void this.#respond(ask, given[key])
  }

  abandon(reason: unknown): void {
    this.#abort.abort(reason)
  }

  /** The next answer for the client: the result, a stream that ends in it, or a question. */
  async next(request: UpstreamMessage, principal: string, signal: AbortSignal): Promise<UpstreamReply> {
    const onGone = (): void => this.abandon(signal.reason)
    signal.addEventListener('abort', onGone, { once: true })
    await this.#ready()
    const [first] = this.#steps
    if (first?.kind === 'message' && first.envelope.kind !== 'response') {
      return {
        kind: 'stream',
        pipe: (sink) => this.#pipe(request, principal, sink, signal, onGone),
        cancel: (reason) => this.abandon(reason),
      }
    }
    signal.removeEventListener('abort', onGone)
    return this.#settle(request, principal)
  }

  async #pipe(
    request: UpstreamMessage,
    principal: string,
    sink: MessageSink,
    signal: AbortSignal,
    onGone: () => void,
  ): Promise<void> {
    for (;;) {
      await this.#ready()
      const [step] = this.#steps
      if (step?.kind !== 'message' || step.envelope.kind === 'response') break
      this.#steps.shift()
      await sink.message(step.json, step.envelope)
    }
    signal.removeEventListener('abort', onGone)
    const reply = await this.#settle(request, principal)
    if (reply.kind === 'complete') await sink.message(reply.json, reply.envelope)
  }

  async #settle(request: UpstreamMessage, principal: string): Promise<UpstreamReply> {
    const step = this.#steps.shift()
    if (step?.kind === 'message') {
      const json = this.#start.decorate(withId(step.json, step.envelope, Buffer.from(idToken(request))))
      return { kind: 'complete', json, envelope: scanReply(json), status: 200 }
    }
    if (step?.kind === 'ask') return this.#question(request, principal)
    throw this.#failure ?? new Error('the call ended without an answer')
  }

  async #question(request: UpstreamMessage, principal: string): Promise<UpstreamReply> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    while (this.#steps[0]?.kind === 'ask') this.#steps.shift()
    const requestState = this.#start.parked.park(this, principal, request)
    const inputRequests = Object.fromEntries(
      this.#asks.map(({ key, ask }) => [key, { method: ask.method, params: ask.params }]),
    )
    return localResult(request, { resultType: 'input_required', inputRequests, requestState })
  }

  async #ready(): Promise<void> {
    while (this.#steps.length === 0) await this.#wake.promise
  }

  #push(step: Step): void {
    this.#steps.push(step)
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }

  async #run(): Promise<void> {
    try {
      const options: ExchangeOptions = { ...this.#start.options, signal: this.#abort.signal }
      const reply = await this.#lease.session.exchange(this.#start.legacy, options)
      if (reply.kind === 'complete') this.#push({ kind: 'message', json: reply.json, envelope: reply.envelope })
      if (reply.kind === 'stream') await reply.pipe({ message: (json, envelope) => this.#onMessage(json, envelope) })
    } catch (error) {
      this.#failure = error
    } finally {
      this.#listening.abort()
      this.#lease.release()
      this.#push({ kind: 'end' })
    }
  }

  #onMessage(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.kind === 'request') this.#onAsk(json, envelope)
    else this.#push({ kind: 'message', json, envelope })
  }

  // Outside of the call only questions matter: list changes and updates reach modern clients through subscriptions.
  #onOutOfBand(json: Buffer, envelope: ReplyEnvelope): void {
    if (envelope.kind === 'request') this.#onAsk(json, envelope)
  }

  #onAsk(json: Buffer, envelope: ReplyEnvelope): void {
    const message = asObject(JSON.parse(json.toString())) ?? {}
    const ask: Ask = {
      idToken: envelope.id ? json.toString('utf8', envelope.id.start, envelope.id.end) : 'null',
      method: envelope.method ?? '',
      params: message['params'] ?? {},
    }
    if (ask.method === 'ping') return void this.#post(ask, '"result":{}')
    const capability = CAPABILITY[ask.method]
    if (capability === undefined || !(capability in this.#start.caller.capabilities) || !this.#start.parked.hasRoom) {
      return void this.#post(ask, '"error":{"code":-32601,"message":"the client cannot be asked this"}')
    }
    this.#asks.push({ key: `q${this.#nextKey++}`, ask })
    this.#push({ kind: 'ask' })
  }

  async #respond(ask: Ask, answer: unknown): Promise<void> {
    if (answer === undefined) return this.#post(ask, '"error":{"code":-32602,"message":"the client did not answer"}')
    return this.#post(ask, `"result":${JSON.stringify(answer)}`)
  }

  async #post(ask: Ask, outcome: string): Promise<void> {
    const body = Buffer.from(`{"jsonrpc":"2.0","id":${ask.idToken},${outcome}}`)
    try {
      await this.#lease.session.exchange(
        { body, envelope: scanEnvelope(body) },
        { ...this.#start.options, signal: this.#abort.signal },
      )
    } catch (error) {
      // The server cannot be answered, so it will not go on either: the call fails with the reason.
      this.#failure = error
      this.abandon(error)
    }
  }
}
