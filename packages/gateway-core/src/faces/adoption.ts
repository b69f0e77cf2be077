import { adoptSession, type SealedSession, SessionNotFoundError } from '@mcp-platform/mcp-bridge'
import { UpstreamError } from '@mcp-platform/mcp-upstream'
import type { RouteEndpoint } from '../route-endpoints.js'
import { observe } from './legacy-call.js'
import type { NativeExchange } from './native-exchange.js'

/** Finding out who a server is may take this long, where that is not known yet, in milliseconds. */
const IDENTIFY_MS = 10_000

/**
 * Goes on here with a session whose home is gone. Nothing happens for one that cannot go on: on a pipe, of an instance that
 * was removed, of another principal or template; it stays unknown.
 * @throws SessionNotFoundError when its server cannot be reached or has lost it too
 */
export function adopt(exchange: NativeExchange, sealed: SealedSession): Promise<void> {
  const { sessions, homes } = exchange.context
  const isTheirs = sessions.belongsTo(sealed, exchange.principal.id) && sealed.template === exchange.template
  if (!isTheirs) return Promise.resolve()
  // Several messages of one session may find at once that its home is gone.
  return homes.adopting.run(sealed.localId, () => takeOver(exchange, sealed))
}

async function takeOver(exchange: NativeExchange, sealed: SealedSession): Promise<void> {
  const { context, principal } = exchange
  const { template = '', instanceId } = sealed
  const route = context.routes.find(template)
  const endpoint = route && endpointOf([...route.endpoints()], instanceId)
  if (!route || !endpoint) return
  const options = { signal: AbortSignal.timeout(IDENTIFY_MS), limits: route.readLimits }
  const { connection } = endpoint
  try {
    const adoption = { sessions: context.sessions, sealed, context: principal.id, connection, options }
    const session = await adoptSession(adoption)
    observe(exchange, session)
  } catch (error) {
    throw error instanceof UpstreamError ? new SessionNotFoundError(error) : error
  }
}

/** The instance that a session lives on; any for one that lives on none, if none of them is on a pipe. */
function endpointOf(endpoints: readonly RouteEndpoint[], instanceId: string | undefined): RouteEndpoint | undefined {
  const overHttp = endpoints.filter(({ instance }) => instance.attach.kind === 'http')
  if (instanceId !== undefined) return overHttp.find(({ id }) => id === instanceId)
  return overHttp.length === endpoints.length ? overHttp[0] : undefined
}
