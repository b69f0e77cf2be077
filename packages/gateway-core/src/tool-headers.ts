import { checkParams, type ListItem, mirrorParams, paramHeaders, RPC } from '@mcp-platform/mcp-bridge'
import type { GatewayCall, GatewayReply } from './call.js'
import type { Route } from './route.js'

/** The tool as its template lists it; `fresh`: ask the server now. Undefined: not listed, or the list cannot be read. */
export type FindTool = (
  call: GatewayCall,
  route: Route,
  options: { fresh: boolean },
) => ListItem | undefined | Promise<ListItem | undefined>

/** Sends the call on its way. */
export type Dispatch = (call: GatewayCall, route: Route) => Promise<GatewayReply>

/**
 * The headers that mirror arguments of a tool (`x-mcp-header`, SPEC 2026-07-28 streamable-http). A 2026 client sent
 * them, so they are checked against the body where no HTTP server of that era does it; for everybody else they are
 * written, since such a server refuses the call without them.
 */
export class ToolHeaders {
  readonly #find: FindTool

  constructor(find: FindTool) {
    this.#find = find
  }

  /** @throws ProtocolError -32020 for a header that differs from the body */
  dispatch(call: GatewayCall, route: Route, dispatch: Dispatch): Promise<GatewayReply> {
    const { method, name } = call.message.envelope
    if (method !== 'tools/call' || name === undefined) return dispatch(call, route)
    if (call.caller.era !== 'modern') return this.#mirrored(call, route, dispatch)
    // Servers of 2026 check the headers of a 2026 client themselves: nothing to wait for.
    return anyServer(route, (modernHttp) => !modernHttp) ? this.#checked(call, route, dispatch) : dispatch(call, route)
  }

  async #checked(call: GatewayCall, route: Route, dispatch: Dispatch): Promise<GatewayReply> {
    await this.#check(call, route)
    return dispatch(call, route)
  }

  async #mirrored(call: GatewayCall, route: Route, dispatch: Dispatch): Promise<GatewayReply> {
    const reply = await dispatch(await this.#written(call, route, false), route)
    if (!isHeaderMismatch(reply)) return reply
    // Refused before it ran: the tool has changed since it was listed.
    return dispatch(await this.#written(call, route, true), route)
  }

  async #check(call: GatewayCall, route: Route): Promise<void> {
    const known = await this.#find(call, route, { fresh: false })
    if (!known) return
    try {
      checkParams(paramHeaders(known), argumentsOf(call), call.header)
    } catch (error) {
      const fresh = await this.#find(call, route, { fresh: true })
      if (!fresh || fresh === known) throw error
      checkParams(paramHeaders(fresh), argumentsOf(call), call.header)
    }
  }

  async #written(call: GatewayCall, route: Route, fresh: boolean): Promise<GatewayCall> {
    if (!anyServer(route, (modernHttp) => modernHttp)) return call
    const found = this.#find(call, route, { fresh })
    const tool = found instanceof Promise ? await found : found
    const fields = tool ? paramHeaders(tool) : []
    if (fields.length === 0) return call
    const headers = { ...call.message.headers, ...mirrorParams(fields, argumentsOf(call)) }
    return { ...call, message: { ...call.message, headers } }
  }
}

// A server whose era is not known yet has not listed its tools either.
function anyServer(route: Route, wanted: (modernHttp: boolean) => boolean): boolean {
  for (const { connection } of route.endpoints()) {
    const { identity } = connection
    if (identity && wanted(identity.era === 'modern' && identity.url !== undefined)) return true
  }
  return false
}

function argumentsOf({ message: { body, envelope } }: GatewayCall): unknown {
  const span = envelope.arguments
  return span ? JSON.parse(body.toString('utf8', span.start, span.end)) : undefined
}

const MISMATCH = Buffer.from(String(RPC.headerMismatch))

function isHeaderMismatch(reply: GatewayReply): boolean {
  if (reply.kind !== 'complete' || !reply.envelope.error) return false
  const error = reply.json.subarray(reply.envelope.error.start, reply.envelope.error.end)
  if (!error.includes(MISMATCH)) return false
  const parsed: { code?: unknown } = JSON.parse(error.toString())
  return parsed.code === RPC.headerMismatch
}
