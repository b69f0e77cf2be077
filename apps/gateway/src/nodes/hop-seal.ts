import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { DerivedKeys } from '@mcp-platform/auth'
import { RecentNonces } from './recent-nonces.js'

/** Carries the proof that a request comes from a node of the same gateway. */
export const HOP_HEADER = 'x-mcpp-hop'
/** A request that is further from our clock than this is refused, in milliseconds. */
export const HOP_WINDOW_MS = 30_000

const VERSION = 'v1'
const MAX_HOP_CHARS = 4_096
const NONCE_BYTES = 12
// What decides who is calling, about which session, and what for; the body is named by its digest.
const SIGNED_HEADERS = [
  'authorization',
  'x-api-key',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  'x-forwarded-for',
] as const

/** What one node tells another of a message that it sends on. */
export interface HopFacts {
  /** The process that is to answer: `node/process`. */
  readonly to: string
  /** The node that sends. */
  readonly from: string
  /** The home of the session is gone: who gets this goes on with it. */
  readonly adopts: boolean
  /** The session may go on in another process. */
  readonly isAdoptable: boolean
  /** Names the session; empty for a parked call. */
  readonly key: string
  /** Address of the caller, as the sender saw it. */
  readonly peer: string
}

interface Sealed extends HopFacts {
  readonly at: number
  readonly nonce: string
  readonly digest: string
}

/** A request claims to come from another node, and does not, or not now, or not for the first time. */
export class HopRefusedError extends Error {
  override readonly name = 'HopRefusedError'
  readonly code = 'NODES_HOP_REFUSED'
  readonly why: 'forged' | 'expired' | 'replayed' | 'body'

  constructor(why: HopRefusedError['why']) {
    super(`the request claims to come from another node, but is ${why === 'body' ? 'not what that node sent' : why}`)
    this.why = why
  }
}

/** What the head of a request says before its answer is asked for. */
export interface HopHead {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
}

/**
 * Signs what goes to another node, and knows what comes from one: HMAC-SHA-256 over method, path, who is calling, the
 * session, the digest of the body, the time and a nonce, with a key that all nodes have from the master key. Each signature
 * serves once, within {@link HOP_WINDOW_MS}.
 */
export class HopSeal {
  readonly #keys: DerivedKeys
  readonly #now: () => number
  readonly #nonces: RecentNonces
  readonly #digests = new WeakMap<IncomingMessage, string>()

  /** `now`: milliseconds since 1970. */
  constructor(keys: DerivedKeys, now: () => number = Date.now) {
    this.#keys = keys
    this.#now = now
    this.#nonces = new RecentNonces(2 * HOP_WINDOW_MS, now)
  }

  /** The value of {@link HOP_HEADER}. */
  sign(head: HopHead, facts: HopFacts, body: Buffer | undefined): string {
    const { id, key } = this.#keys.current
    const nonce = randomBytes(NONCE_BYTES).toString('base64url')
    const sealed: Sealed = { ...facts, at: this.#now(), nonce, digest: digestOf(body) }
    const payload = Buffer.from(JSON.stringify(sealed)).toString('base64url')
    return `${VERSION}.${id}.${payload}.${macOf(key, head, id, payload).toString('base64url')}`
  }

  /** What another node says in a request. It may still have been said before. @throws HopRefusedError */
  open(request: IncomingMessage): HopFacts {
    return this.#open(request)
  }

  /** The same for a request that is answered here: once. @throws HopRefusedError */
  accept(request: IncomingMessage): HopFacts {
    const sealed = this.#open(request)
    if (!this.#nonces.add(sealed.nonce)) throw new HopRefusedError('replayed')
    this.#digests.set(request, sealed.digest)
    return sealed
  }

  /** Makes sure that a body is the one that was sent with what was accepted. @throws HopRefusedError */
  checkBody(request: IncomingMessage, body: Buffer): void {
    const digest = this.#digests.get(request)
    if (digest !== undefined && digest !== digestOf(body)) throw new HopRefusedError('body')
  }

  #open(request: IncomingMessage): Sealed {
    const text = request.headers[HOP_HEADER]
    if (typeof text !== 'string' || text.length > MAX_HOP_CHARS) throw new HopRefusedError('forged')
    const [version, kid = '', payload = '', mac = '', ...rest] = text.split('.')
    const known = this.#keys.all.find(({ id }) => id === kid)
    if (version !== VERSION || known === undefined || rest.length > 0) throw new HopRefusedError('forged')
    const wanted = macOf(known.key, request, kid, payload)
    const given = Buffer.from(mac, 'base64url')
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw new HopRefusedError('forged')
    // Authentic: made by a node of ours.
    const sealed: Sealed = JSON.parse(Buffer.from(payload, 'base64url').toString())
    if (Math.abs(this.#now() - sealed.at) > HOP_WINDOW_MS) throw new HopRefusedError('expired')
    return sealed
  }
}

function macOf(key: Buffer, { method, url, headers }: HopHead, kid: string, payload: string): Buffer {
  const signed = SIGNED_HEADERS.map((name) => `${name}:${String(headers[name] ?? '')}`)
  const text = ['mcp-platform hop', VERSION, kid, payload, method, url, ...signed].join('\n')
  return createHmac('sha256', key).update(text).digest()
}

function digestOf(body: Buffer | undefined): string {
  return createHash('sha256')
    .update(body ?? '')
    .digest('base64url')
}
