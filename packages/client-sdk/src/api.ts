import { readJson } from './answer.js'
import { type ApiRequest, Connection, type OpenAnswer } from './connection.js'
import { type GatewayClientOptions, type ResolvedOptions, requireTimeout, resolveOptions } from './options.js'
import { type RetryClass, withRetries } from './retry.js'

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
}

/** Sends requests with the client's bounds and retries. */
export class Api {
  readonly options: ResolvedOptions
  readonly #traffic: Connection
  readonly #management: Connection

  constructor(options: GatewayClientOptions) {
    this.options = resolveOptions(options)
    const { base, management } = this.options
    this.#traffic = new Connection(base, this.options)
    this.#management = management === undefined ? this.#traffic : new Connection(management, this.options)
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
  change<T>(request: Omit<ApiRequest, 'signal' | 'timeoutMs'>, options: RequestOptions = {}): Promise<T> {
    return this.json({ ...request, ...this.bounds(options), retryClass: 'never' })
  }

  async json<T>(call: ApiCall): Promise<T> {
    const value = await this.send(call, (answer) => readJson(answer, this.options.maxAnswerBytes))
    return value as T
  }

  /** Sends, repeats where allowed, and lets `read` take the answer. */
  send<T>({ retryClass, ...request }: ApiCall, read: (answer: OpenAnswer) => Promise<T>): Promise<T> {
    const { maxRetries, random } = this.options
    const attempt = async (): Promise<T> => read(await this.open(request))
    return withRetries(attempt, { maxRetries, random, retryClass, signal: request.signal })
  }

  open(request: ApiRequest): Promise<OpenAnswer> {
    const connection = request.path.startsWith('/gateway/') ? this.#management : this.#traffic
    return connection.open(request)
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
}
