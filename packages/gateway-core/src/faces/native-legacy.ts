import {
  CancelledByClientError,
  type ClientSession,
  type EventLog,
  idToken,
  LEGACY_VERSIONS,
  ProtocolError,
  RPC,
  SessionNotFoundError,
} from '@mcp-platform/mcp-bridge'
import { scanEnvelope, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { GatewayReply } from '../call.js'
import { GatewayError } from '../errors.js'
import { callHeaders } from './headers.js'
import { inScope, observe, runLegacy, take } from './legacy-call.js'
import type { NativeExchange } from './native-exchange.js'
import { sendJson } from './respond.js'
import { ResumableStream } from './resumable-stream.js'
import { rpcErrorMessage, toRpcFailure } from './rpc-error.js'
import { runNative } from './run-native.js'

/** Accepting SSE, a caller that waits this long gets its stream opened for keep-alive, in milliseconds. */
const OPEN_STREAM_AFTER_MS = 10_000

/** One message of a 2025 client: `initialize` opens a session, everything else names one. */
export async function serveLegacyMessage(exchange: NativeExchange, message: UpstreamMessage): Promise<void> {
  requireKnownVersion(exchange)
  if (message.envelope.method === 'initialize') return initialize(exchange, message)
  const session = requireSession(exchange)
  if (message.envelope.kind === 'request') return serveRequest(exchange, session, message)
  await take(exchange, session, message)
  exchange.response.writeHead(202, { 'x-request-id': exchange.requestId }).end()
}

/** `GET`: the session's own stream, or the rest of another after a lost connection (`Last-Event-ID`). */
export async function serveLegacyStream(exchange: NativeExchange): Promise<void> {
  const accepts = exchange.header('accept')?.includes('text/event-stream') ?? false
  if (!accepts)
    throw new GatewayError('NOT_ACCEPTABLE', 'GET opens an event stream: Accept must name text/event-stream')
  const session = requireSession(exchange)
  const lastEventId = exchange.header('last-event-id')
  const found =
    lastEventId === undefined
      ? { log: session.outbox, sequence: session.outbox.deliveredSequence }
      : session.findStream(lastEventId)
  if (!found)
    throw new GatewayError(
      'SESSION_NOT_FOUND',
      `no stream of this session has the event "${String(lastEventId).slice(0, 64)}" any more`,
    )
  const stream = new ResumableStream(exchange, found.log, session.protocolVersion)
  const attached = await stream.attach(found.sequence)
  if (!attached) throw new GatewayError('SESSION_NOT_FOUND', 'events after this one were dropped already; start anew')
}

/** `DELETE`: the client is done with its session. */
export async function serveSessionEnd(exchange: NativeExchange): Promise<void> {
  const session = requireSession(exchange)
  await session.end(new SessionNotFoundError())
  exchange.response.writeHead(200, { 'x-request-id': exchange.requestId }).end()
}

/** A JSON-RPC batch (2025-03-26): each message on its own, the responses together. `initialize` may not be in one. */
export async function serveBatch(exchange: NativeExchange, bodies: readonly Buffer[]): Promise<void> {
  if (bodies.length === 0) throw new ProtocolError(RPC.invalidRequest, 400, 'a batch must not be empty')
  const session = requireSession(exchange)
  const messages = bodies.map((body) => ({ body, envelope: scanEnvelope(body) }))
  if (messages.some(({ envelope }) => envelope.method === 'initialize')) {
    throw new ProtocolError(RPC.invalidRequest, 400, 'initialize must not be part of a batch')
  }
  const answers = await Promise.all(messages.map((message) => batchAnswer(exchange, session, message)))
  const responses = answers.filter((answer) => answer !== undefined)
  if (responses.length === 0) {
    exchange.response.writeHead(202, { 'x-request-id': exchange.requestId }).end()
    return
  }
  sendJson(exchange.response, 200, `[${responses.map((response) => response.toString()).join(',')}]`, {
    'x-request-id': exchange.requestId,
  })
}

async function batchAnswer(
  exchange: NativeExchange,
  session: ClientSession,
  message: UpstreamMessage,
): Promise<Buffer | undefined> {
  if (message.envelope.kind !== 'request') {
    await take(exchange, session, message)
    return undefined
  }
  try {
    return await inScope(exchange, session, message, async (call) =>
      lastMessage(await runLegacy(exchange, session, call), session),
    )
  } catch (error) {
    return rpcErrorMessage(toRpcFailure(error, exchange.requestId), idToken(message))
  }
}

// A batch is answered at once, when all of it is there: what comes before goes to the client's own stream.
async function lastMessage(reply: GatewayReply, session: ClientSession): Promise<Buffer | undefined> {
  if (reply.kind === 'complete') return reply.json
  if (reply.kind === 'accepted') return undefined
  let response: Buffer | undefined
  await reply.pipe({
    message: (json, envelope) => {
      if (envelope.kind !== 'response') return session.outbox.append(json)
      response = json
      return undefined
    },
  })
  return response
}

async function initialize(exchange: NativeExchange, message: UpstreamMessage): Promise<void> {
  const { context, template, principal, response, trace } = exchange
  const session = context.sessions.create(principal.id, template)
  observe(exchange, session)
  try {
    const reply = await inScope(exchange, session, message, (call) => runNative(exchange, call))
    const opened = reply.kind === 'complete' && reply.envelope.result !== undefined
    if (reply.kind !== 'complete') throw new GatewayError('UPSTREAM_BAD_ANSWER', 'the server did not answer initialize')
    if (session.upstream) session.instanceId = trace.instanceId
    const id = opened ? { 'mcp-session-id': context.sessions.idOf(session) } : {}
    if (!opened) await session.end(new SessionNotFoundError())
    sendJson(response, 200, reply.json, { ...callHeaders(exchange), ...id })
  } catch (error) {
    await session.end(error)
    throw error
  }
}

async function serveRequest(exchange: NativeExchange, session: ClientSession, message: UpstreamMessage): Promise<void> {
  const log = session.openStream()
  const stream = new ResumableStream(exchange, log, session.protocolVersion)
  const opening = exchange.context.wheel.start(OPEN_STREAM_AFTER_MS, () => void stream.attach(0))
  try {
    const onInterrupted = (): void => void stream.interrupt()
    // The call lasts until its answer is delivered: until then it can be cancelled, and its time runs.
    await inScope(exchange, session, message, async (call) =>
      deliver(exchange, await runLegacy(exchange, session, { ...call, onInterrupted }), stream, log),
    )
  } catch (error) {
    if (error instanceof CancelledByClientError) return cancelled(exchange, stream)
    if (!stream.opened) throw error
    await log.append(rpcErrorMessage(toRpcFailure(error, exchange.requestId), idToken(message)))
  } finally {
    opening.cancel()
    session.closeStream(log)
  }
}

async function deliver(
  exchange: NativeExchange,
  reply: GatewayReply,
  stream: ResumableStream,
  log: EventLog,
): Promise<void> {
  if (reply.kind === 'accepted') {
    exchange.response.writeHead(202, { 'x-request-id': exchange.requestId }).end()
    return
  }
  // A client that knows how to come back gets a stream even for an answer that is there: the conformance suite looks for
  // its priming event and resumes it (server-sse-polling, server-sse-multiple-streams).
  if (reply.kind === 'complete' && !stream.opened && !stream.isPolled) {
    sendJson(exchange.response, reply.status, reply.json, callHeaders(exchange))
    return
  }
  await stream.attach(0)
  if (reply.kind === 'complete') return void (await log.append(reply.json))
  await reply.pipe({ message: (json) => log.append(json) })
}

// A cancelled request gets no response (SPEC 2025-11-25 cancellation).
function cancelled(exchange: NativeExchange, stream: ResumableStream): void {
  if (!stream.opened && !exchange.response.headersSent)
    exchange.response.writeHead(202, { 'x-request-id': exchange.requestId }).end()
}

function requireSession(exchange: NativeExchange): ClientSession {
  const id = exchange.header('mcp-session-id')
  if (id === undefined) {
    throw new ProtocolError(
      RPC.invalidRequest,
      400,
      'Mcp-Session-Id is missing: initialize first, or send a 2026-07-28 request with its envelope',
    )
  }
  return exchange.context.sessions.require(id, exchange.principal.id, exchange.template)
}

function requireKnownVersion(exchange: NativeExchange): void {
  const version = exchange.header('mcp-protocol-version')
  if (version === undefined || LEGACY_VERSIONS.some((known) => known === version)) return
  throw new ProtocolError(RPC.unsupportedVersion, 400, `protocol version ${version.slice(0, 32)} is not supported`, {
    supported: LEGACY_VERSIONS,
    requested: version.slice(0, 32),
  })
}
