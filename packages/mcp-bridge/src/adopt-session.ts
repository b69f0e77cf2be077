import type { Connection, ExchangeOptions, UpstreamSession } from '@mcp-platform/mcp-upstream'
import { attachUpstream } from './cells/attach-upstream.js'
import { attachLasting, type LastingUpstream, lastingOptions } from './cells/lasting-upstream.js'
import { followLists } from './cells/modern-listen.js'
import type { ClientSession } from './client-session.js'
import { LastingSession } from './lasting-session.js'
import { SessionNotFoundError } from './protocol-error.js'
import type { SealedSession, SessionBook } from './session-book.js'

/** What is needed to go on with a session whose process is gone. */
export interface Adoption {
  readonly sessions: SessionBook
  readonly sealed: SealedSession
  /** Authorization context of the caller, who must be the one that the session belongs to. */
  readonly context: string
  /** The instance that the session lives on, or any of its template where it lives on none. */
  readonly connection: Connection
  readonly options: ExchangeOptions
}

/** True where the id says enough to go on from: a session of one template that had been opened. */
export function isAdoptable({ template, protocolVersion, instanceId, hello }: SealedSession): boolean {
  return template !== undefined && protocolVersion !== undefined && (instanceId !== undefined || hello !== undefined)
}

/**
 * Goes on with a session whose process is gone. What that one had in memory is lost: calls in flight, questions, streams
 * that could be resumed and, where the session was ours alone (a modern server), its log level and its subscriptions.
 * @throws SessionNotFoundError where it cannot be done: the server lost the session too, or it lived on a pipe
 */
export async function adoptSession({
  sessions,
  sealed,
  context,
  connection,
  options,
}: Adoption): Promise<ClientSession> {
  const { protocolVersion = '', instanceId, upstreamSessionId, hello } = sealed
  if (instanceId === undefined) {
    const identity = connection.identity ?? (await connection.identify(options))
    if (hello === undefined || identity.era !== 'modern') throw new SessionNotFoundError()
    const session = sessions.adopt(sealed, context)
    session.hello = hello
    session.protocolVersion = protocolVersion
    followLists(connection, identity, session)
    return session
  }
  if (connection.resumeSession === undefined) throw new SessionNotFoundError()
  const known = { sessionId: upstreamSessionId, protocolVersion }
  const upstream = await connection.resumeSession(known, context, options)
  const session = sessions.adopt(sealed, context)
  session.instanceId = instanceId
  attachInherited(session, upstream, { sealed, connection, context, limits: options.limits })
  return session
}

interface Inherited extends LastingUpstream {
  readonly sealed: SealedSession
}

// Without what the client had said, and what it was told, the session cannot be opened again.
function attachInherited(session: ClientSession, upstream: UpstreamSession, { sealed, ...where }: Inherited): void {
  const { hello, serverMark: inheritedMark } = sealed
  if (hello === undefined || inheritedMark === undefined) {
    attachUpstream(session, upstream)
    return
  }
  session.hello = hello
  const options = { ...lastingOptions(session, where), inheritedMark }
  attachLasting(session, LastingSession.inherit(options, upstream))
}
