import { UpstreamBadAnswerError, UpstreamError } from './errors.js'
import { OWN_CONTEXT } from './http/http-connection.js'
import { ask, type ClientInfo, modernRequest, ownRequest, ownSessionInit, type RpcAnswer } from './own-requests.js'
import type { Connection, ExchangeLimits, ExchangeOptions, ServerIdentity } from './upstream.js'

/** A verdict on one server; nothing means fit. Structurally the `ProbeResult` of `@mcp-platform/health`. */
export type McpProbeResult = {
  readonly verdict: 'held'
  readonly reason: 'unauthenticated' | 'identity_changed' | 'crash_loop'
}

/** A read-only tool whose success proves more than a ping. */
export interface ToolProbe {
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

export interface McpProbeOptions<T> {
  /** The connection of a target; the same one as long as the target is the same. */
  connectionOf(target: T): Connection
  readonly clientInfo: ClientInfo
  /** Calls this tool instead of asking for signs of life. */
  readonly toolProbe?: ToolProbe | ((target: T) => ToolProbe | undefined) | undefined
  /** Bounds of the probe's own requests. @default connect 2 s, first byte 10 s, idle 10 s, 16 MiB */
  readonly limits?: ExchangeLimits | undefined
}

const DEFAULT_LIMITS: ExchangeLimits = {
  connectMs: 2_000,
  firstByteMs: 10_000,
  idleMs: 10_000,
  maxAnswerBytes: 16 * 1024 * 1024,
}

/**
 * A health probe that speaks MCP: `server/discover` to a modern server, `ping` in a kept session to a legacy one,
 * or one named tool. Resolves with nothing when the server is fit, with `held` when it wants another credential (401,
 * 403), introduces itself by another name than at first, or is a child in a crash loop; rejects with what went wrong otherwise.
 */
export function mcpProbe<T>(
  options: McpProbeOptions<T>,
): (target: T, signal: AbortSignal) => Promise<McpProbeResult | undefined> {
  const names = new WeakMap<Connection, string>()
  return async (target, signal) => {
    const connection = options.connectionOf(target)
    const io: ExchangeOptions = { signal, limits: options.limits ?? DEFAULT_LIMITS }
    try {
      const identity = await check(connection, options, toolOf(options, target), io)
      return judge(connection, identity, names)
    } catch (error) {
      // The era may have changed with the failure: the next probe finds out anew.
      connection.forget()
      if (error instanceof UpstreamError && error.code === 'UPSTREAM_UNAUTHORIZED') {
        return { verdict: 'held', reason: 'unauthenticated' }
      }
      if (error instanceof UpstreamError && error.code === 'UPSTREAM_CRASH_LOOP') {
        return { verdict: 'held', reason: 'crash_loop' }
      }
      throw error
    }
  }
}

function toolOf<T>({ toolProbe }: McpProbeOptions<T>, target: T): ToolProbe | undefined {
  return typeof toolProbe === 'function' ? toolProbe(target) : toolProbe
}

function judge(
  connection: Connection,
  identity: ServerIdentity,
  names: WeakMap<Connection, string>,
): McpProbeResult | undefined {
  const { name } = identity.serverInfo
  const known = names.get(connection)
  if (known === undefined) names.set(connection, name)
  else if (known !== name) return { verdict: 'held', reason: 'identity_changed' }
  return undefined
}

async function check<T>(
  connection: Connection,
  options: McpProbeOptions<T>,
  tool: ToolProbe | undefined,
  io: ExchangeOptions,
): Promise<ServerIdentity> {
  if (tool === undefined && connection.probe !== undefined) return await connection.probe(io)
  const known = connection.identity
  const identity = await connection.identify(io)
  if (identity.era === 'legacy') return checkLegacy(connection, options.clientInfo, tool, io)
  if (tool !== undefined) {
    const params = { name: tool.name, arguments: tool.arguments ?? {} }
    mustSucceed(await ask(connection.modern, modernRequest('tools/call', options.clientInfo, params), io))
  }
  // Identified just now means discovered just now.
  return known === undefined ? identity : rediscover(connection, identity, options.clientInfo, io)
}

async function rediscover(
  connection: Connection,
  identity: ServerIdentity,
  client: ClientInfo,
  io: ExchangeOptions,
): Promise<ServerIdentity> {
  const answer = await ask(connection.modern, modernRequest('server/discover', client), io)
  if (answer.kind === 'error') {
    throw new UpstreamBadAnswerError({
      detail: `server/discover was refused with ${answer.code}`,
      status: answer.status,
    })
  }
  return { ...identity, serverInfo: serverInfoIn(answer.result) ?? identity.serverInfo }
}

function serverInfoIn(result: Readonly<Record<string, unknown>>): ServerIdentity['serverInfo'] | undefined {
  const meta = result['_meta'] as Readonly<Record<string, unknown>> | undefined
  const info = meta?.['io.modelcontextprotocol/serverInfo'] as { name?: unknown; version?: unknown } | undefined
  return typeof info?.name === 'string' ? { name: info.name, version: String(info.version ?? '') } : undefined
}

/** A lost session is opened anew by the lease, so the identity is that of the server as it is now. */
async function checkLegacy(
  connection: Connection,
  client: ClientInfo,
  tool: ToolProbe | undefined,
  io: ExchangeOptions,
): Promise<ServerIdentity> {
  const lease = await connection.leaseSession({ context: OWN_CONTEXT, init: ownSessionInit(client) }, io)
  try {
    const message =
      tool === undefined
        ? ownRequest('ping', {})
        : ownRequest('tools/call', { name: tool.name, arguments: tool.arguments ?? {} })
    mustSucceed(await ask(lease.session, message, io))
    return lease.session.identity
  } finally {
    lease.release()
  }
}

function mustSucceed(answer: RpcAnswer): void {
  if (answer.kind === 'error') {
    throw new UpstreamBadAnswerError({
      detail: `the probe was answered with error ${answer.code}`,
      status: answer.status,
    })
  }
  if (answer.result['isError'] === true) throw new UpstreamBadAnswerError({ detail: 'the probe tool failed' })
}
