import { createHash, randomBytes } from 'node:crypto'
import type { Connection, UpstreamMessage, UpstreamReply } from '@mcp-platform/mcp-upstream'
import { asObject } from './json-edit.js'
import { ProtocolError, RPC } from './protocol-error.js'
import type { Sealer } from './sealer.js'

/** A person may think for this long before the call is given up, in milliseconds. */
const DEFAULT_MAX_PARKED_MS = 10 * 60_000
const DEFAULT_MAX_PARKED = 1_000

/** A call that waits for its client's answers. */
export interface ParkedCall {
  /** Authorization context it belongs to. */
  readonly context: string
  readonly connection: Connection
  /** Resolves when the call is over and its session is free or gone. */
  readonly ended: Promise<void>
  /** Gives the server's questions their answers, by key. */
  answer(responses: unknown): void
  /** What comes next for the client: a result, a stream, or another question. */
  next(request: UpstreamMessage, signal: AbortSignal): Promise<UpstreamReply>
  abandon(reason: unknown): void
}

interface Parked {
  readonly call: ParkedCall
  readonly timer: NodeJS.Timeout
  /** The server did not wait for the answer: the result is there, for whoever comes back for it. */
  isOver: boolean
}

/** Where the calls of one template are parked: another one's request state means nothing here. */
export interface Parking {
  readonly hasRoom: boolean
  park(call: ParkedCall, request: UpstreamMessage): string
  take(request: UpstreamMessage, principal: string): ParkedCall | undefined
  evict(principal: string, connection: Connection): Promise<boolean>
}

/** What a sealed `requestState` of ours carries. The call is found by `id`; the rest must match the retry. */
interface SealedCall {
  readonly id: string
  readonly home: string
  readonly principal: string
  readonly digest: string
  readonly expiresAt: number
}

export interface ParkedCallsOptions {
  readonly sealer: Sealer
  /** Name of this process: a retry that arrives elsewhere is sent here. */
  readonly home: string
  /** How long a question may stay unanswered, in milliseconds. @default 600_000 */
  readonly maxParkedMs?: number | undefined
  /** Calls that wait at once; further questions are refused. @default 1_000 */
  readonly maxParked?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly wallNow?: (() => number) | undefined
}

/**
 * Calls of modern clients that a legacy server holds open because it asked something back. Each waits behind a sealed
 * `requestState`, bound to principal, request and expiry, for the retry that carries the answers.
 */
export class ParkedCalls implements Parking {
  readonly #sealer: Sealer
  readonly #home: string
  readonly #maxParkedMs: number
  readonly #maxParked: number
  readonly #wallNow: () => number
  /** The one that has waited longest first. */
  readonly #calls = new Map<string, Parked>()

  constructor(options: ParkedCallsOptions) {
    this.#sealer = options.sealer
    this.#home = options.home
    this.#maxParkedMs = options.maxParkedMs ?? DEFAULT_MAX_PARKED_MS
    this.#maxParked = options.maxParked ?? DEFAULT_MAX_PARKED
    this.#wallNow = options.wallNow ?? Date.now
  }

  get size(): number {
    return this.#calls.size
  }

  /** True if the process can park one more. */
  get hasRoom(): boolean {
    return this.#calls.size < this.#maxParked
  }

  /** The part of it that belongs to one template. */
  within(template: string): Parking {
    const hasRoom = (): boolean => this.hasRoom
    return {
      get hasRoom() {
        return hasRoom()
      },
      park: (call, request) => this.park(call, request, template),
      take: (request, principal) => this.take(request, principal, template),
      evict: (principal, connection) => this.evict(principal, connection),
    }
  }

  /** Keeps a call until its retry; the text is what the client sends back. */
  park(call: ParkedCall, request: UpstreamMessage, template = ''): string {
    const id = randomBytes(12).toString('base64url')
    const expire = (): void => this.#giveUp(id, 'nobody answered the question in time')
    const parked: Parked = { call, timer: setTimeout(expire, this.#maxParkedMs).unref(), isOver: false }
    this.#calls.set(id, parked)
    void call.ended.then(() => {
      parked.isOver = true
    })
    const sealed: SealedCall = {
      id,
      home: this.#home,
      principal: call.context,
      digest: digestOf(request, template),
      expiresAt: this.#wallNow() + this.#maxParkedMs,
    }
    return this.#sealer.seal('request-state', sealed)
  }

  /**
   * The parked call that a retry continues; undefined for a request without a request state. Each can be taken once:
   * a second retry finds nothing.
   * @throws ProtocolError 404 for a state that is forged, cut, expired, of another principal or request, or taken already
   */
  take(request: UpstreamMessage, principal: string, template = ''): ParkedCall | undefined {
    const { requestState } = request.envelope
    if (requestState === undefined) return undefined
    const sealed = this.#sealer.open('request-state', requestState)
    const fits = isSealedCall(sealed) && sealed.principal === principal && this.#fits(sealed, request, template)
    const parked = fits ? this.#calls.get(sealed.id) : undefined
    if (!fits || !parked) throw unknownState()
    clearTimeout(parked.timer)
    this.#calls.delete(sealed.id)
    return parked.call
  }

  /**
   * Gives up the call of this principal on this connection that has waited longest, so that a new one finds a place.
   * Resolves when its session is free or gone; false if none waits.
   */
  async evict(principal: string, connection: Connection): Promise<boolean> {
    for (const [id, { call, isOver }] of this.#calls) {
      if (isOver || call.context !== principal || call.connection !== connection) continue
      this.#giveUp(id, 'a newer call of the same principal needed its place')
      await call.ended
      return true
    }
    return false
  }

  async close(): Promise<void> {
    const calls = [...this.#calls.values()].map(({ call }) => call)
    for (const id of this.#calls.keys()) this.#giveUp(id, 'the gateway is shutting down')
    await Promise.all(calls.map(({ ended }) => ended))
  }

  #fits({ digest, expiresAt }: SealedCall, request: UpstreamMessage, template: string): boolean {
    return digest === digestOf(request, template) && expiresAt > this.#wallNow()
  }

  #giveUp(id: string, why: string): void {
    const parked = this.#calls.get(id)
    if (!parked) return
    clearTimeout(parked.timer)
    this.#calls.delete(id)
    parked.call.abandon(new Error(why))
  }
}

function unknownState(): ProtocolError {
  // Not an invitation to send it again: without its state it would be a second run.
  const message = 'requestState is unknown, has expired or was used already; the call that it stood for may have run'
  return new ProtocolError(RPC.invalidParams, 404, message)
}

// The same request with answers added: what must not change between a question and its answer.
function digestOf({ envelope, body }: UpstreamMessage, template: string): string {
  const args = envelope.arguments ? body.subarray(envelope.arguments.start, envelope.arguments.end) : ''
  return createHash('sha256')
    .update(`${template}\n${envelope.method}\n${envelope.name ?? envelope.uri}\n`)
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
