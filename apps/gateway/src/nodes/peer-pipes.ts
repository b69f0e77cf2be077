import { Agent, type IncomingMessage, request as openRequest } from 'node:http'
import { request as openTlsRequest, Agent as TlsAgent } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError, type HopExchange } from '@mcp-platform/gateway-core'
import { peerOf } from '../http/peer.js'
import { PipeBrokenError, type Piped, pipedHeaders, pipeThrough } from '../workers/pipe-through.js'
import { UnderWay } from '../workers/under-way.js'
import type { HopEvent } from './hop-event.js'
import { HOP_HEADER, type HopFacts, type HopSeal } from './hop-seal.js'
import type { Peer } from './peers.js'

/** A node that answers, answers to this at once, in milliseconds. */
const CONNECT_MS = 2_000
/** A node that could not be reached is not tried again for this long, in milliseconds. */
const UNREACHABLE_MS = 2_000
/**
 * A worker may go, and not its node; a kept connection may not show yet that its node was killed, and while a killed process
 * is taken apart the system still accepts connections for it. What may be sent again is sent this often at most.
 */
const MAX_TRIES = 4
/** Before it is sent again, in milliseconds; full jitter between the two, as between attempts at an instance (BALANCING.md). */
const PAUSE_MIN_MS = 25
const PAUSE_MAX_MS = 250
const NOTHING = Buffer.alloc(0)

/** By which a node says that it did not take a message; never passed on to a caller. */
export const REFUSED_HEADER = 'x-mcpp-hop-refused'

/** Options of {@link PeerPipes}. */
export interface PeerPipesOptions {
  /** This node. */
  readonly node: string
  readonly seal: HopSeal
  readonly onEvent: (event: HopEvent) => void
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: (() => number) | undefined
  /** From [0, 1). @default Math.random */
  readonly random?: (() => number) | undefined
}

/**
 * Connections to one node. That a node was killed may not show yet on one that was kept open, and then nobody knows what
 * became of the message; so what must not be sent twice gets one of its own, which is refused where nobody is.
 */
interface Agents {
  readonly kept: Agent
  readonly fresh: Agent
}

type WholeExchange = HopExchange & { readonly body: Buffer }

/** Sends messages of sessions to the nodes where they live, signed. */
export class PeerPipes {
  readonly #options: PeerPipesOptions
  readonly #now: () => number
  readonly #random: () => number
  readonly #agents = new Map<string, Agents>()
  readonly #unreachableUntil = new Map<string, number>()
  readonly #underWay = new UnderWay()

  constructor(options: PeerPipesOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#random = options.random ?? Math.random
  }

  /**
   * Lets a process of another node answer. Resolves to true when the answer has ended, whoever ended it; to false when the
   * node cannot be reached, and nothing was sent.
   * @throws GatewayError OUTCOME_UNKNOWN when it went away before it answered; OVERLOADED when it does not believe us
   */
  readonly send = (
    peer: Peer,
    exchange: HopExchange,
    how: { readonly home: string; readonly adopts: boolean },
  ): Promise<boolean> => {
    const work = (): Promise<boolean> => this.#send(peer, exchange, how)
    // A stream lasts as long as its session; a client that loses it comes back for the rest.
    return exchange.request.method === 'GET' ? work() : this.#underWay.follow(work)
  }

  /** Cuts what goes to nodes that are gone: nobody will answer it any more. */
  keep(ids: ReadonlySet<string>): void {
    for (const [id, { kept, fresh }] of this.#agents) {
      if (ids.has(id)) continue
      kept.destroy()
      fresh.destroy()
      this.#agents.delete(id)
      this.#unreachableUntil.delete(id)
    }
  }

  /** Resolves when nothing but streams is under way, after `graceMs` at the latest, at once when `hurry` aborts. */
  untilIdle(graceMs: number, hurry: AbortSignal): Promise<void> {
    return this.#underWay.untilNone(graceMs, hurry)
  }

  close(): void {
    this.keep(new Set())
  }

  async #send(
    peer: Peer,
    exchange: HopExchange,
    { home, adopts }: { readonly home: string; readonly adopts: boolean },
  ): Promise<boolean> {
    if (this.#now() < (this.#unreachableUntil.get(peer.id) ?? 0)) return false
    const { request, key, isAdoptable } = exchange
    // Only a POST has a body; of the others it would be read by nobody.
    const body = exchange.body ?? NOTHING
    const facts = { to: home, from: this.#options.node, adopts, isAdoptable, key, peer: peerOf(request) ?? '' }
    const piped = await this.#attempt(peer, { ...exchange, body }, facts)
    if (piped === 'answered') return true
    if (piped === 'refused') throw this.#refused(peer)
    this.#unreachableUntil.set(peer.id, this.#now() + UNREACHABLE_MS)
    this.#options.onEvent({ type: 'peer-unreachable', node: peer.id, url: peer.url, error: piped.nobody })
    return false
  }

  async #attempt(peer: Peer, exchange: WholeExchange, facts: HopFacts): Promise<Piped> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#pipe(peer, exchange, facts, tries > 1)
      } catch (error) {
        if (!(error instanceof PipeBrokenError)) throw error
        if (!exchange.isSafe || tries === MAX_TRIES) throw outcomeUnknown(error)
        await delay(PAUSE_MIN_MS + this.#random() * (PAUSE_MAX_MS - PAUSE_MIN_MS))
      }
    }
  }

  async #pipe(peer: Peer, exchange: WholeExchange, facts: HopFacts, isAgain: boolean): Promise<Piped> {
    const url = new URL(peer.url)
    const { request, body } = exchange
    const { method, url: path } = request
    const hop = this.#options.seal.sign(request, facts, body)
    const isTls = url.protocol === 'https:'
    const { kept, fresh } = this.#agentsOf(peer, isTls)
    const headers = ['host', url.host, ...withoutOurs(pipedHeaders(exchange)), HOP_HEADER, hop]
    const options = {
      host: bare(url.hostname),
      port: url.port,
      method,
      path,
      headers,
      agent: exchange.isSafe && !isAgain ? kept : fresh,
    }
    let isMisdirected = false
    const isRefusal = (answer: IncomingMessage): boolean => {
      isMisdirected = answer.statusCode === 421
      return answer.headers[REFUSED_HEADER] !== undefined
    }
    const outgoing = (isTls ? openTlsRequest : openRequest)(options)
    const piped = await pipeThrough(outgoing, exchange, { connectMs: CONNECT_MS, isRefusal })
    // Another gateway has its address by now: it took nothing.
    return piped === 'refused' && isMisdirected ? { nobody: new Error('another node answers there') } : piped
  }

  #agentsOf({ id }: Peer, isTls: boolean): Agents {
    const known = this.#agents.get(id)
    if (known !== undefined) return known
    const agent = (keepAlive: boolean): Agent => (isTls ? new TlsAgent({ keepAlive }) : new Agent({ keepAlive }))
    const agents = { kept: agent(true), fresh: agent(false) }
    this.#agents.set(id, agents)
    return agents
  }

  #refused({ id, url }: Peer): GatewayError {
    this.#options.onEvent({ type: 'peer-refuses', node: id, url })
    const message = 'the node that this session lives on does not take messages of this one'
    return new GatewayError('OVERLOADED', message, { executed: 'no', retryable: true, retryAfterMs: UNREACHABLE_MS })
  }
}

/** What is said when a process went away with a message that it may have executed. */
export function outcomeUnknown(error: PipeBrokenError): GatewayError {
  return new GatewayError(
    'OUTCOME_UNKNOWN',
    'the process that this session lives in went away before it had answered; it may have been executed',
    { executed: 'unknown', retryable: false },
    error,
  )
}

const OURS: ReadonlySet<string> = new Set(['host', HOP_HEADER])

function withoutOurs(headers: readonly string[]): string[] {
  return headers.filter((_, i) => !OURS.has(headers[i - (i % 2)]?.toLowerCase() ?? ''))
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
