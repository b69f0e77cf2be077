import { hash } from 'node:crypto'
import { BoundedCache } from '../bounded-cache.js'
import { AuthUnavailableError, CredentialInvalidError, CredentialMissingError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import { API_KEY_PREFIX } from '../keys/key-format.js'
import type { KeyHasher } from '../keys/key-hasher.js'
import type { KeyUse } from '../keys/key-use.js'
import type { Principal } from '../principal.js'
import type { TokenVerifier } from '../tokens/verifier.js'
import { credentialOf, type RequestCredentials } from './credentials.js'
import { KeyDoor } from './key-door.js'
import { type LocalCredential, LocalDoor } from './local-door.js'
import type { AuthSnapshot } from './snapshot.js'
import { TokenDoor } from './token-door.js'

const DEFAULT_CACHE_SIZE = 10_000
const DEFAULT_MAX_STALE_MS = 15 * 60 * 1000

/** Options of {@link Authenticator}. */
export interface AuthenticatorOptions {
  readonly snapshot: AuthSnapshot
  /** Absent: no API keys are taken. */
  readonly keys?: KeyHasher | undefined
  /** Where use of keys is noted. */
  readonly keyUse?: KeyUse | undefined
  /** Our own `AccessTokenVerifier` and any `ExternalIssuer`; each issuer once. */
  readonly tokens?: readonly TokenVerifier[] | undefined
  /** Public URL of the gateway: a token that names it holds on every path. */
  readonly audience?: string | undefined
  /** Credentials of this machine, such as the local administrator's token. */
  readonly local?: readonly LocalCredential[] | undefined
  /** Who a caller without credential is, where authentication is off. Absent: refused. */
  readonly anonymous?: Principal | undefined
  /** A snapshot that was not confirmed for longer than this is not trusted, in milliseconds. @default 15 min */
  readonly maxStaleMs?: number | undefined
  /** Credentials remembered, of each kind. @default 10_000 */
  readonly cacheSize?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  /** Milliseconds, monotonic, for the age of the snapshot. @default performance.now */
  readonly monotonicNow?: (() => number) | undefined
  readonly onEvent?: AuthObserver | undefined
}

/** A request, as far as authentication looks at it. */
export interface AuthRequest extends RequestCredentials {
  /** Address of the caller, for keys that are bound to networks. */
  readonly address?: string | undefined
  /** URL of what is asked for, where tokens of other issuers may name it as their audience. */
  readonly resource?: string | undefined
}

/**
 * Says who a request comes from. Works on a snapshot: it never reads a store. Credentials that were seen before are
 * answered synchronously in microseconds; a new token takes a signature check and gives a promise.
 * What was proven is remembered by its SHA-256, and asked against the snapshot each time: revocation, disabling and new rights
 * count from the moment of {@link update}.
 */
export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #keys: KeyDoor | undefined
  readonly #tokens: TokenDoor
  readonly #local: LocalDoor
  readonly #monotonicNow: () => number
  readonly #maxStaleMs: number
  #snapshot: AuthSnapshot
  #confirmedAt: number

  constructor(options: AuthenticatorOptions) {
    const { keys, keyUse, tokens = [], audience, local = [], cacheSize = DEFAULT_CACHE_SIZE, now = Date.now } = options
    this.#options = options
    this.#keys = keys && new KeyDoor({ hasher: keys, use: keyUse, now, cache: new BoundedCache(cacheSize) })
    this.#tokens = new TokenDoor({ verifiers: tokens, audience, now, cacheSize })
    this.#local = new LocalDoor(local)
    this.#monotonicNow = options.monotonicNow ?? (() => performance.now())
    this.#maxStaleMs = options.maxStaleMs ?? DEFAULT_MAX_STALE_MS
    this.#snapshot = options.snapshot
    this.#confirmedAt = this.#monotonicNow()
  }

  get snapshot(): AuthSnapshot {
    return this.#snapshot
  }

  /** Takes a new snapshot, or the same one to say that it is still true. */
  update(snapshot: AuthSnapshot): void {
    this.#snapshot = snapshot
    this.#confirmedAt = this.#monotonicNow()
  }

  /**
   * The principal of a request. A wrong credential is never taken for none.
   * Throws, or rejects, with CredentialMissingError, CredentialInvalidError, CredentialsConflictError, AuthUnavailableError.
   */
  authenticate(request: AuthRequest): Principal | Promise<Principal> {
    try {
      const found = this.#find(request)
      return found instanceof Promise ? this.#observed(found, request) : found
    } catch (error) {
      this.#tell(error, request)
      throw error
    }
  }

  #find(request: AuthRequest): Principal | Promise<Principal> {
    const credential = credentialOf(request)
    if (credential === undefined) return this.#anonymous()
    const digest = hash('sha256', credential, 'base64url')
    const local = this.#local.find(digest)
    if (local !== undefined) return local
    this.#requireFresh()
    const door = { credential, digest, snapshot: this.#snapshot, address: request.address, resource: request.resource }
    if (!credential.startsWith(API_KEY_PREFIX)) return this.#tokens.open(door, () => this.#snapshot)
    if (this.#keys === undefined) throw new CredentialInvalidError('unknown')
    return this.#keys.open(door)
  }

  #anonymous(): Principal {
    if (this.#options.anonymous === undefined) throw new CredentialMissingError()
    return this.#options.anonymous
  }

  #requireFresh(): void {
    if (this.#monotonicNow() - this.#confirmedAt <= this.#maxStaleMs) return
    throw new AuthUnavailableError('what is known of users and keys is too old')
  }

  async #observed(found: Promise<Principal>, request: AuthRequest): Promise<Principal> {
    try {
      return await found
    } catch (error) {
      this.#tell(error, request)
      throw error
    }
  }

  #tell(error: unknown, { address }: AuthRequest): void {
    if (!(error instanceof CredentialInvalidError)) return
    const { problem, subject } = error
    this.#options.onEvent?.({ type: 'credential-refused', problem, subject, address })
  }
}
