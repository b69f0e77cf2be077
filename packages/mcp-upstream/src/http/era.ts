import {
  UpstreamBadAnswerError,
  UpstreamError,
  UpstreamHttpStatusError,
  UpstreamNotIdentifiedError,
} from '../errors.js'
import {
  type ClientInfo,
  identityFromDiscover,
  MODERN_VERSION,
  modernRequest,
  type RpcAnswer,
  readAnswer,
} from '../own-requests.js'
import type { ExchangeOptions, ServerIdentity, UpstreamMessage, UpstreamReply, UpstreamSession } from '../upstream.js'

/** Which transport a server speaks. `auto`: Streamable HTTP first, then HTTP+SSE. */
export type HttpTransport = 'auto' | 'http' | 'sse'

/** Where and how an instance answered. */
export interface Located {
  readonly identity: ServerIdentity
  readonly path: string
  readonly transport: 'http' | 'sse'
}

/** What detection needs to be able to do; the connection provides it. */
export interface EraProbes {
  exchangeModern(path: string, message: UpstreamMessage, options: ExchangeOptions): Promise<UpstreamReply>
  /** Opens a legacy session of our own, or gives the error that the server answered to `initialize`. */
  openLegacy(
    transport: 'http' | 'sse',
    path: string,
    options: ExchangeOptions,
  ): Promise<
    | { readonly kind: 'opened'; readonly session: UpstreamSession }
    | { readonly kind: 'refused'; readonly answer: Extract<RpcAnswer, { kind: 'error' }> }
  >
  /** Keeps the session that detection opened: the first caller and the probes use it. */
  keep(session: UpstreamSession): void
}

export interface DetectInit {
  readonly url: URL
  readonly transport: HttpTransport
  readonly protocol: 'auto' | 'legacy' | 'modern'
  readonly clientInfo: ClientInfo
  readonly probes: EraProbes
  readonly options: ExchangeOptions
  readonly now: () => number
}

/** Errors that only a modern server answers (2026-07-28, versioning), if the status is 400 or 404 as well. */
const MODERN_CODES: ReadonlySet<number> = new Set([-32020, -32021, -32022, -32601])

/**
 * Finds out which era a server speaks, and at which of its possible URLs (MCP.md, rule 1).
 * 401, 403, 5xx and network errors are no evidence: they reject as they are.
 * @throws UpstreamNotIdentifiedError when it answered everywhere, but never as an MCP server.
 */
export async function detectEra(init: DetectInit): Promise<Located> {
  let last: unknown
  const paths = candidatePaths(init.url)
  for (const path of paths) {
    try {
      return await detectAt(init, path)
    } catch (error) {
      if (!isElsewhere(error)) throw error
      last = error
    }
  }
  const tried = paths.map((path) => new URL(path, init.url).href).join(', ')
  throw new UpstreamNotIdentifiedError({ detail: `no MCP server answered; tried ${tried}`, cause: last })
}

/** An endpoint without a path may live at the usual places. */
export function candidatePaths(url: URL): readonly string[] {
  const given = url.pathname + url.search
  return given === '/' ? ['/', '/mcp', '/sse'] : [given]
}

async function detectAt(init: DetectInit, path: string): Promise<Located> {
  if (init.transport === 'sse') return legacyAt(init, path, 'sse')
  const discovered = init.protocol === 'legacy' ? LEGACY : await discoverAt(init, path)
  if (discovered.kind === 'modern') return located(init, discovered.identity, path, 'http')
  if (init.protocol === 'modern') {
    throw new UpstreamNotIdentifiedError({ detail: 'the server does not speak 2026-07-28', cause: discovered.cause })
  }
  try {
    return await legacyOverEither(init, path)
  } catch (error) {
    // It knows modern errors and no legacy opening: modern, only without a usable `server/discover`.
    if (discovered.speaksModern && isElsewhere(error)) return located(init, namelessModern(init), path, 'http')
    throw error
  }
}

type Discovered =
  | { readonly kind: 'modern'; readonly identity: ServerIdentity }
  | { readonly kind: 'not modern'; readonly speaksModern: boolean; readonly cause?: unknown }

const LEGACY: Discovered = { kind: 'not modern', speaksModern: false }

async function discoverAt(init: DetectInit, path: string): Promise<Discovered> {
  const message = modernRequest('server/discover', init.clientInfo)
  try {
    const answer = await readAnswer(await init.probes.exchangeModern(path, message, init.options))
    return readDiscovered(answer, init.now)
  } catch (error) {
    if (!isElsewhere(error)) throw error
    return { kind: 'not modern', speaksModern: false, cause: error }
  }
}

function readDiscovered(answer: RpcAnswer, now: () => number): Discovered {
  if (answer.kind === 'error') {
    const isModern = (answer.status === 400 || answer.status === 404) && MODERN_CODES.has(answer.code)
    // -32022: it is modern, but of versions that we do not know.
    return { kind: 'not modern', speaksModern: isModern && answer.code !== -32022 }
  }
  const versions = answer.result['supportedVersions']
  if (!Array.isArray(versions) || !versions.includes(MODERN_VERSION)) return LEGACY
  return { kind: 'modern', identity: identityFromDiscover(answer.result, new Date(now())) }
}

async function legacyOverEither(init: DetectInit, path: string): Promise<Located> {
  try {
    return await legacyAt(init, path, 'http')
  } catch (error) {
    if (init.transport === 'http' || !isElsewhere(error)) throw error
    return legacyAt(init, path, 'sse')
  }
}

async function legacyAt(init: DetectInit, path: string, transport: 'http' | 'sse'): Promise<Located> {
  const opened = await init.probes.openLegacy(transport, path, init.options)
  if (opened.kind === 'refused') {
    throw new UpstreamNotIdentifiedError({ detail: `initialize was refused with ${opened.answer.code}` })
  }
  init.probes.keep(opened.session)
  return located(init, opened.session.identity, path, transport)
}

function located(init: DetectInit, identity: ServerIdentity, path: string, transport: 'http' | 'sse'): Located {
  return { identity: { ...identity, url: new URL(path, init.url).href, transport }, path, transport }
}

function namelessModern(init: DetectInit): ServerIdentity {
  return identityFromDiscover({ supportedVersions: [MODERN_VERSION], capabilities: {} }, new Date(init.now()))
}

/** The answer says "not here" or "not like this", not "not now" or "not you". */
function isElsewhere(error: unknown): boolean {
  if (error instanceof UpstreamHttpStatusError)
    return error.status < 500 && error.status !== 408 && error.status !== 429
  return (
    error instanceof UpstreamBadAnswerError ||
    (error instanceof UpstreamError && error.code === 'UPSTREAM_NOT_IDENTIFIED')
  )
}
