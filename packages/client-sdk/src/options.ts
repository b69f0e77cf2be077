import type { Dispatcher } from 'undici'
import { memorySessionStore, type SessionStore } from './session-store.js'

/** How long a list, a read or a management call may take: the gateway's own bound is 15 s to the first byte. */
const DEFAULT_TIMEOUT_MS = 30_000
/** How long a tool may run: the gateway's own bound for a call. */
const DEFAULT_CALL_TIMEOUT_MS = 300_000
/** Further attempts of what changes nothing. */
const DEFAULT_MAX_RETRIES = 2
/** Larger answers are refused: four times the gateway's own bound for one answer of a server. */
export const DEFAULT_MAX_ANSWER_BYTES: number = 64 * 1_024 * 1_024
/** Longest time that a timer of Node can hold. */
const MAX_TIMER_MS = 2_147_483_647

/** A token, or what makes one when it is needed (short-lived tokens). */
export type TokenSource = string | (() => string | Promise<string>)

/** How a `GatewayClient` reaches and uses its gateway. */
export interface GatewayClientOptions {
  /** `http://` or `https://`; a path in it is kept in front of every path of the API. */
  readonly baseUrl: string
  /** Where everything but `/mcp` and `/health` is, when management has a listener of its own. @default baseUrl */
  readonly managementUrl?: string | undefined
  /** Sent as `X-API-Key`. Give this or `authToken`, not both. */
  readonly apiKey?: string | undefined
  /** Sent as `Authorization: Bearer`: an access token, or the admin token of a local gateway. */
  readonly authToken?: TokenSource | undefined
  /**
   * Where the tokens of `login` are kept and taken from. Not used when `apiKey` or `authToken` is given.
   * @default in memory, nobody logged in
   */
  readonly sessionStore?: SessionStore | undefined
  /** Bound of lists, reads and management calls, in milliseconds. @default 30_000 */
  readonly timeoutMs?: number | undefined
  /** Bound of tool calls and batches, in milliseconds. @default 300_000 */
  readonly callTimeoutMs?: number | undefined
  /** Further attempts of lists and reads when the gateway is unreachable or overloaded. 0 switches it off. @default 2 */
  readonly maxRetries?: number | undefined
  /** Also repeat a tool call, when it certainly did not run (`executed: "no"`). @default false */
  readonly retryCalls?: boolean | undefined
  /** Largest answer, in bytes. @default 67_108_864 */
  readonly maxAnswerBytes?: number | undefined
  /** Connections to use instead of an own pool (proxy, custom TLS). The client does not close it. */
  readonly dispatcher?: Dispatcher | undefined
  /** Chance, for the jitter between attempts: 0 up to 1. @default Math.random */
  readonly random?: (() => number) | undefined
  /** Milliseconds since 1970; tells when an access token ends. @default Date.now */
  readonly now?: (() => number) | undefined
}

/** Where requests go. */
export interface BaseUrl {
  readonly origin: string
  /** Without a trailing slash; empty for the root. */
  readonly prefix: string
}

/** Options with nothing left out, checked. */
export interface ResolvedOptions {
  readonly base: BaseUrl
  readonly management: BaseUrl | undefined
  readonly apiKey: string | undefined
  readonly authToken: TokenSource | undefined
  readonly sessionStore: SessionStore
  readonly timeoutMs: number
  readonly callTimeoutMs: number
  readonly maxRetries: number
  readonly retryCalls: boolean
  readonly maxAnswerBytes: number
  readonly dispatcher: Dispatcher | undefined
  readonly random: () => number
  readonly now: () => number
}

/** Checks the options. @throws RangeError or TypeError that names the bad one */
export function resolveOptions(options: GatewayClientOptions): ResolvedOptions {
  const { apiKey, authToken } = options
  if (apiKey !== undefined && authToken !== undefined) {
    throw new TypeError('client: give apiKey or authToken, not both')
  }
  return {
    base: readUrl('baseUrl', options.baseUrl),
    management: options.managementUrl === undefined ? undefined : readUrl('managementUrl', options.managementUrl),
    apiKey: apiKey === undefined ? undefined : requireToken('apiKey', apiKey),
    authToken: typeof authToken === 'string' ? requireToken('authToken', authToken) : authToken,
    sessionStore: options.sessionStore ?? memorySessionStore(),
    timeoutMs: requireTimeout('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    callTimeoutMs: requireTimeout('callTimeoutMs', options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS),
    maxRetries: requireInteger('maxRetries', options.maxRetries ?? DEFAULT_MAX_RETRIES, 0, 10),
    retryCalls: options.retryCalls ?? false,
    maxAnswerBytes: requireInteger(
      'maxAnswerBytes',
      options.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES,
      1_024,
      2 ** 30,
    ),
    dispatcher: options.dispatcher,
    random: options.random ?? Math.random,
    now: options.now ?? Date.now,
  }
}

/** @throws RangeError unless it is a whole number of milliseconds that a timer can hold */
export function requireTimeout(name: string, value: number): number {
  return requireInteger(name, value, 1, MAX_TIMER_MS)
}

/** @throws TypeError for a token that cannot stand in a header; the message does not repeat it */
export function requireToken(name: string, token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new TypeError(`client: ${name} must be printable characters without spaces, and not empty`)
}

function requireInteger(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new RangeError(`client: ${name} must be an integer from ${min} to ${max}, got ${value}`)
}

function readUrl(name: string, text: string): BaseUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`client: ${name} must be a URL like http://127.0.0.1:8080`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError(`client: ${name} must not hold a user name, a password, a query or a fragment`)
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') }
}
