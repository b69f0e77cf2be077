import {
  CancelledByClientError,
  type ClientSession,
  type EventReader,
  idToken,
  SessionNotFoundError,
} from '@mcp-platform/mcp-bridge'
import { scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayReply } from '../call.js'
import { GatewayError } from '../errors.js'
import { readJsonBody } from './body.js'
import { EventStream } from './event-stream.js'
import { servedElsewhere } from './hop.js'
import { inScope, observe, runLegacy, take } from './legacy-call.js'
import type { NativeExchange } from './native-exchange.js'
import { rpcErrorMessage, toRpcFailure } from './rpc-error.js'

/** The deprecated HTTP+SSE transport (2024-11-05): `GET …/sse` opens the session, `POST …/message` speaks in it. */
export type SsePath = 'sse' | 'message'

/** True for the two paths below a template that belong to this transport. */
export function isSsePath(operation: string): operation is SsePath {
  return operation === 'sse' || operation === 'message'
}

export async function serveSse(exchange: NativeExchange, path: SsePath): Promise<void> {
  const wanted = path === 'sse' ? 'GET' : 'POST'
  if (exchange.request.method !== wanted) {
    throw new GatewayError('METHOD_NOT_ALLOWED', `${path} takes ${wanted}, not ${exchange.request.method}`, {
      allow: wanted,
    })
  }
  if (path === 'sse') openStream(exchange)
  else await takePost(withSessionId(exchange))
}

/** The session lives as long as its stream: everything that the server says comes on it. */
function openStream(exchange: NativeExchange): void {
  const { context, response, template, principal, requestId } = exchange
  const session = context.sessions.create(principal.id, template)
  observe(exchange, session)
  response.once('close', () => void session.end(new SessionNotFoundError()))
  const stream = new EventStream(response, { 'x-request-id': requestId }, context)
  const reader: EventReader = {
    event: (_id, data) => stream.send(data, 'message'),
    end: () => stream.end(),
  }
  void stream.send(`/mcp/${template}/message?sessionId=${context.sessions.idOf(session)}`, 'endpoint')
  void session.outbox.attach(reader, 0)
}

async function takePost(exchange: NativeExchange): Promise<void> {
  const { context, request, response, principal, template, requestId } = exchange
  const body = await readJsonBody(request, context.maxBodyBytes)
  context.checkBody?.(request, body)
  const message: UpstreamMessage = { body, envelope: scanEnvelope(body) }
  if (await servedElsewhere(exchange, { body, message })) return
  const session = context.sessions.require(exchange.header('mcp-session-id') ?? '', principal.id, template)
  // What comes of it, an error too, is said on the stream.
  response.writeHead(202, { 'x-request-id': requestId }).end('Accepted')
  await answerOnStream(exchange, session, message)
}

async function answerOnStream(
  exchange: NativeExchange,
  session: ClientSession,
  message: UpstreamMessage,
): Promise<void> {
  try {
    if (message.envelope.kind === 'request') {
      await inScope(exchange, session, message, async (call) => tell(session, await runLegacy(exchange, session, call)))
      if (session.upstream) session.instanceId ??= exchange.trace.instanceId
    } else {
      await take(exchange, session, message)
    }
  } catch (error) {
    if (error instanceof CancelledByClientError || session.ended.aborted) return
    const failure = toRpcFailure(error, exchange.requestId)
    if (failure.status === 500)
      exchange.context.onEvent({ type: 'internal-error', requestId: exchange.requestId, error })
    if (message.envelope.kind === 'request') await session.outbox.append(rpcErrorMessage(failure, idToken(message)))
  }
}

async function tell(session: ClientSession, reply: GatewayReply): Promise<void> {
  if (reply.kind === 'complete') await session.outbox.append(reply.json)
  if (reply.kind === 'stream') await reply.pipe({ message: (json) => session.outbox.append(json) })
}

// In this transport the session is named in the URL; everything behind looks for a header.
function withSessionId(exchange: NativeExchange): NativeExchange {
  const id = new URL(exchange.request.url ?? '', 'http://localhost').searchParams.get('sessionId')
  if (id === null)
    throw new GatewayError('REQUEST_MALFORMED', 'sessionId is missing; take the URL of the endpoint event')
  return { ...exchange, header: (name) => (name === 'mcp-session-id' ? id : exchange.header(name)) }
}
