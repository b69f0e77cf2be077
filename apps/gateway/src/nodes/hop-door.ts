import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Gateway, GatewayError, type HopExchange } from '@mcp-platform/gateway-core'
import { peerOf, setPeer } from '../http/peer.js'
import { requestIdOf } from '../http/request-id.js'
import { sendError } from '../http/send-problem.js'
import { checkSingleHeaders } from '../http/single-headers.js'
import { parseHomeName } from './home-name.js'
import type { HopEvent } from './hop-event.js'
import { HOP_HEADER, type HopFacts, HopRefusedError, type HopSeal } from './hop-seal.js'
import { REFUSED_HEADER } from './peer-pipes.js'
import type { SessionRoutes } from './session-routes.js'

/** Refusals are told at most this often, in milliseconds: whoever reaches the port can cause one. */
const TELL_EVERY_MS = 10_000

/** Options of {@link HopDoor}. */
export interface HopDoorOptions {
  /** This node. */
  readonly node: string
  readonly seal: HopSeal
  readonly routes: Pick<SessionRoutes, 'arrive'>
  readonly gateway: Pick<Gateway, 'handleForwarded'>
  /** Told of each exchange that begins. */
  readonly follow: (request: IncomingMessage, response: ServerResponse) => void
  readonly onEvent: (event: HopEvent) => void
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
}

/** Takes messages that other nodes send on, and no others. */
export class HopDoor {
  readonly #options: HopDoorOptions
  readonly #now: () => number
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(options: HopDoorOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** A request that claims to come from another node; nothing but {@link handle} may take it. */
  readonly isMeant = (request: IncomingMessage): boolean => request.headers[HOP_HEADER] !== undefined

  /** Request listener of the public address for what {@link isMeant}. Always answers. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => void this.#handle(request, response)

  /** The same on a local socket, from a process of this node that has looked at it already. */
  handleInside(request: IncomingMessage, response: ServerResponse, adopts: boolean): void {
    try {
      this.#serve(request, response, adopts)
    } catch (error) {
      this.#refuse(request, response, error)
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkSingleHeaders(request.rawHeaders)
      const { seal, node, routes } = this.#options
      const facts = seal.open(request)
      if (parseHomeName(facts.to).node !== node) throw new MisdirectedError()
      const arrival = await routes.arrive(facts, exchangeOf(request, response, facts))
      if (!arrival.served) this.#serve(request, response, arrival.adopts)
    } catch (error) {
      this.#refuse(request, response, error)
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse, adopts: boolean): void {
    const { seal, gateway, follow } = this.#options
    const { peer } = seal.accept(request)
    setPeer(request, peer)
    follow(request, response)
    gateway.handleForwarded(request, response, requestIdOf(request), { adopts })
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    request.resume()
    if (response.headersSent) return void response.destroy()
    const isMisdirected = error instanceof MisdirectedError
    if (!(error instanceof HopRefusedError || isMisdirected)) {
      sendError(response, error, requestIdOf(request))
      return
    }
    response.setHeader(REFUSED_HEADER, isMisdirected ? 'misdirected' : error.why)
    if (isMisdirected) return void response.writeHead(421).end()
    this.#tell(error, peerOf(request))
    sendError(response, new GatewayError('FORBIDDEN', error.message), requestIdOf(request))
  }

  #tell(error: HopRefusedError, address: string | undefined): void {
    if (this.#now() - this.#toldAt < TELL_EVERY_MS) return
    this.#toldAt = this.#now()
    this.#options.onEvent({ type: 'hop-refused', error, address })
  }
}

/** A message for a node that had this address before. */
class MisdirectedError extends Error {
  override readonly name = 'MisdirectedError'
}

function exchangeOf(request: IncomingMessage, response: ServerResponse, facts: HopFacts): HopExchange {
  const { key, isAdoptable } = facts
  return { request, response, requestId: requestIdOf(request), body: undefined, key, isAdoptable, isSafe: false }
}
