import {
  type ApiKeyRequest,
  type ApiKeysList,
  type ApiKeyWire,
  type IssuedApiKeyView,
  paths,
  type RotateApiKeyRequest,
} from '@mcp-platform/contract'
import type { Api, RequestOptions } from './api.js'

/** How to rotate a key. */
export interface RotateOptions extends RequestOptions {
  /** Seconds for which the secret before still holds, up to 7 days. @default 24 hours */
  readonly overlapSeconds?: number | undefined
}

/** API keys: the caller's own, and everybody's with keys:admin. */
export class ApiKeys {
  readonly #api: Api

  constructor(api: Api) {
    this.#api = api
  }

  /** The keys that the caller may see, the newest first; no secrets. */
  async list(options?: RequestOptions): Promise<ApiKeyWire[]> {
    const { api_keys: keys } = await this.#api.read<ApiKeysList>(paths.apiKeys, options)
    return [...keys]
  }

  /** Makes a key. `api_key` of the answer is the text to use it with: it is given once. */
  create(key: ApiKeyRequest, options?: RequestOptions): Promise<IssuedApiKeyView> {
    return this.#api.change({ method: 'POST', path: paths.apiKeys, body: key }, options)
  }

  /** A new secret for a key; the one before holds for a while, so that nobody is cut off. */
  rotate(id: string, { overlapSeconds, ...options }: RotateOptions = {}): Promise<IssuedApiKeyView> {
    const body: RotateApiKeyRequest = { overlap: overlapSeconds }
    return this.#api.change({ method: 'POST', path: paths.rotateApiKey(id), body }, options)
  }

  /** Ends a key for good. */
  async revoke(id: string, options?: RequestOptions): Promise<void> {
    await this.#api.change({ method: 'DELETE', path: paths.apiKey(id) }, options)
  }
}
