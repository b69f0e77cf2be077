import { type Dispatcher, Pool } from 'undici'
import { ClientClosedError } from './errors.js'
import type { BaseUrl } from './options.js'
import { RequestScope } from './request-scope.js'
import { markSent } from './sent-marker.js'

/** One request to the API. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Members without a value are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly accept?: string | undefined
  /** Milliseconds; absent: no bound (event streams). */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Head of an answer; its body is still coming and must be read or destroyed. */
export interface OpenAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Dispatcher.ResponseData['body']
  readonly scope: RequestScope
}

const CONNECT_TIMEOUT_MS = 10_000

/** Owns the connections to one origin. */
export class Connection {
  readonly #base: BaseUrl
  readonly #dispatcher: Dispatcher
  readonly #isOwn: boolean
  readonly #closing = new AbortController()

  /** @param dispatcher whose connections to use; absent: own ones */
  constructor(base: BaseUrl, dispatcher: Dispatcher | undefined) {
    this.#base = base
    this.#isOwn = dispatcher === undefined
    this.#dispatcher = dispatcher ?? newPool(base.origin)
  }

  /** Sends a request and resolves with the head of the answer. Rejects with errors of this package or the caller's reason. */
  async open(request: ApiRequest): Promise<OpenAnswer> {
    if (this.#closing.signal.aborted) throw new ClientClosedError()
    request.signal?.throwIfAborted()
    const headers = headersOf(request)
    const scope = this.#scope(request)
    try {
      const { statusCode, headers: answered, body } = await this.#send(request, headers, scope)
      return { status: statusCode, contentType: mediaType(answered['content-type']), body, scope }
    } catch (error) {
      throw scope.explain(error)
    }
  }

  /** Ends everything in flight and frees the connections; those of a given dispatcher stay with their owner. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#isOwn) await this.#dispatcher.destroy()
  }

  #scope({ timeoutMs, signal }: ApiRequest): RequestScope {
    return new RequestScope({ url: this.#base.origin, timeoutMs, caller: signal, closing: this.#closing.signal })
  }

  #send(
    request: ApiRequest,
    headers: Record<string, string>,
    scope: RequestScope,
  ): Promise<Dispatcher.ResponseData<null>> {
    return markSent(this.#dispatcher, () => scope.markSent()).request({
      origin: this.#base.origin,
      path: this.#base.prefix + request.path + queryText(request.query),
      method: request.method,
      headers,
      body: request.body === undefined ? null : JSON.stringify(request.body),
      signal: scope.signal,
      // One deadline bounds everything; a silent tool is not a broken connection.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }
}

function newPool(origin: string): Pool {
  return new Pool(origin, { allowH2: false, connect: { timeout: CONNECT_TIMEOUT_MS } })
}

function headersOf({ accept, body, headers }: ApiRequest): Record<string, string> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return { accept: accept ?? 'application/json', ...type, ...headers }
}

function queryText(query: ApiRequest['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

function mediaType(header: string | string[] | undefined): string {
  const text = Array.isArray(header) ? header[0] : header
  return (text ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
}
