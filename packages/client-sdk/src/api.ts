import { paths, type TokenResponse } from '@mcp-platform/contract'
import { readJson } from './answer.js'
import { type ApiRequest, Connection, type OpenAnswer } from './connection.js'
import { bearer, credentialFor, type RequestCredential } from './credentials.js'
import { NotAuthenticatedError } from './errors.js'
import { type GatewayClientOptions, type ResolvedOptions, requireTimeout, resolveOptions } from './options.js'
import { type RetryClass, withRetries } from './retry.js'
import { Session } from './session.js'
import type { SessionTokens } from './session-store.js'
import { tokensOf } from './session-tokens.js'

/** What every request takes. */
export interface RequestOptions {
  /** Milliseconds; shorter or longer than the client's. */
  readonly timeoutMs?: number | undefined
  /** Ends the request; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A request of this API and how it is bounded and repeated. */
export interface ApiCall extends ApiRequest {
  readonly retryClass: RetryClass
  /** Carries no credential: what one is asked for with. */
  readonly isAnonymous?: boolean | undefined
}

/** A request that changes something, without its bounds. */
export type Change = Omit<ApiCall, 'signal' | 'timeoutMs' | 'retryClass'>

type Reader<T> = (answer: OpenAnswer) => Promise<T>

const ANONYMOUS: RequestCredential = { headers: {} }

/** Sends requests with the client's bounds, credential and retries. */
export class Api {
  readonly options: ResolvedOptions
  readonly session: Session
  readonly #traffic: Connection
  readonly #management: Connection

  constructor(options: GatewayClientOptions) {
    this.options = resolveOptions(options)
    const { base, management, dispatcher, sessionStore, now } = this.options
    this.#traffic = new Connection(base, dispatcher)
    this.#management = management === undefined ? this.#traffic : new Connection(management, dispatcher)
    this.session = new Session({
      store: sessionStore,
      exchange: (refreshToken) => this.#exchange(refreshToken),
      now,
    })
  }

  /** A GET. The answer is trusted to have the shape of the contract: the gateway is the authority for it. */
  read<T>(path: string, options: RequestOptions = {}, query?: ApiRequest['query']): Promise<T> {
    return this.json({ method: 'GET', path, query, ...this.bounds(options), retryClass: 'read' })
  }

  /** A POST that changes nothing. */
  ask<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
    return this.json({ method: 'POST', path, body, ...this.bounds(options), retryClass: 'read' })
  }

  /** A request that changes something: sent once. */
  change<T>(request: Change, options: RequestOptions = {}): Promise<T> {
    return this.json({ ...request, ...this.bounds(options), retryClass: 'never' })
  }

  async json<T>(call: ApiCall): Promise<T> {
    const value = await this.send(call, (answer) => readJson(answer, this.options.maxAnswerBytes))
    return value as T
  }

  /** Sends, repeats where allowed, and lets `read` take the answer. */
  send<T>({ retryClass, ...request }: ApiCall, read: Reader<T>): Promise<T> {
    const { maxRetries, random } = this.options
    const attempt = (): Promise<T> => this.authenticated(request, read)
    return withRetries(attempt, { maxRetries, random, retryClass, signal: request.signal })
  }

  /**
   * Sends with the credential; once more when the session's token is refused and can be renewed. A request that is refused
   * for its credential has not been executed, so this is safe for any.
   */
  async authenticated<T>(request: Omit<ApiCall, 'retryClass'>, read: Reader<T>): Promise<T> {
    const credential = request.isAnonymous ? ANONYMOUS : await this.#credential(request.signal)
    try {
      return await read(await this.#open(request, credential))
    } catch (error) {
      const { sessionToken } = credential
      if (!(error instanceof NotAuthenticatedError) || sessionToken === undefined) throw error
      const renewed = await this.session.renew(sessionToken, request.signal)
      if (renewed === undefined || renewed === sessionToken) throw error
      return read(await this.#open(request, bearer(renewed)))
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#traffic.close(), this.#management.close()])
  }

  /** The bounds of a request; `callTimeoutMs` instead of `timeoutMs` where a tool runs. */
  bounds(
    { timeoutMs, signal }: RequestOptions,
    standard: number = this.options.timeoutMs,
  ): {
    readonly timeoutMs: number
    readonly signal: AbortSignal | undefined
  } {
    return { timeoutMs: requireTimeout('timeoutMs', timeoutMs ?? standard), signal }
  }

  async #exchange(refreshToken: string): Promise<SessionTokens> {
    const request = { method: 'POST', path: paths.refresh, body: { refresh_token: refreshToken } } as const
    return tokensOf(await this.change<TokenResponse>({ ...request, isAnonymous: true }), this.options.now())
  }

  #credential(signal: AbortSignal | undefined): Promise<RequestCredential> {
    return credentialFor(this.options, this.session, signal)
  }

  #open(request: ApiRequest, { headers }: RequestCredential): Promise<OpenAnswer> {
    const connection = isTraffic(request.path) ? this.#traffic : this.#management
    return connection.open({ ...request, headers: { ...headers, ...request.headers } })
  }
}

// What stays on the main listener when management has its own.
function isTraffic(path: string): boolean {
  return path.startsWith('/mcp/') || path.startsWith('/health/')
}
