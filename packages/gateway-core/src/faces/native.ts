import type { IncomingMessage, ServerResponse } from 'node:http'
import { idToken, isModern, SessionNotFoundError } from '@mcp-platform/mcp-bridge'
import { scanEnvelope, splitBatch, type UpstreamMessage } from '@mcp-platform/mcp-upstream'
import { newTrace } from '../call.js'
import { CallerGoneError, GatewayError } from '../errors.js'
import { readJsonBody } from './body.js'
import type { FaceContext } from './context.js'
import { errorHeaders } from './error-headers.js'
import { servedElsewhere } from './hop.js'
import type { NativeExchange } from './native-exchange.js'
import { serveBatch, serveLegacyMessage, serveLegacyStream, serveSessionEnd } from './native-legacy.js'
import { serveModern } from './native-modern.js'
import { type SsePath, serveSse } from './native-sse.js'
import { sendJson } from './respond.js'
import { rpcErrorMessage, toRpcFailure } from './rpc-error.js'

/**
 * The native face: Streamable HTTP of both protocol eras on one URL. The body of a POST decides about the era; GET,
 * DELETE and batches exist in the legacy era only. `sse` names a path of the deprecated HTTP+SSE transport instead.
 */
export async function serveNative(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  template: string | undefined,
  requestId: string,
  sse?: SsePath | undefined,
): Promise<void> {
  const known: Known = { idToken: 'null' }
  try {
    const found = context.authenticate(request)
    // A credential that was seen before is known at once: no turn of the microtask queue for it.
    const principal = found instanceof Promise ? await found : found
    const header = (name: string): string | undefined => headerOf(request, name)
    const exchange = {
      context,
      request,
      response,
      template,
      requestId,
      principal,
      header,
      trace: newTrace(context.addressOf?.(request)),
    }
    known.exchange = exchange
    if (sse) await serveSse(exchange, sse)
    else await serveMethod(exchange, known)
  } catch (error) {
    if (error instanceof SessionNotFoundError && known.exchange) tellIfForeign(known.exchange)
    fail(context, request, response, requestId, known.idToken, error)
  }
}

/** What is known of an exchange when it fails. */
interface Known {
  idToken: string
  exchange?: NativeExchange | undefined
}

// The caller hears the same for every session that is not its own; the operator hears of one that was taken.
function tellIfForeign({ context, header, principal, requestId, template, trace }: NativeExchange): void {
  const sealed = context.sessions.read(header('mcp-session-id') ?? '')
  if (sealed === undefined || context.sessions.belongsTo(sealed, principal.id)) return
  const { address } = trace
  context.onEvent({ type: 'foreign-session', requestId, address, principal: principal.id, template })
}

function serveMethod(exchange: NativeExchange, known: { idToken: string }): Promise<void> {
  return exchange.request.method === 'POST' ? servePost(exchange, known) : serveBodiless(exchange)
}

async function serveBodiless(exchange: NativeExchange): Promise<void> {
  const { method } = exchange.request
  if (await servedElsewhere(exchange)) return
  switch (method) {
    case 'GET':
      return serveLegacyStream(exchange)
    case 'DELETE':
      return serveSessionEnd(exchange)
    default:
      throw new GatewayError('METHOD_NOT_ALLOWED', `MCP takes POST, GET and DELETE, not ${method}`, {
        allow: 'GET, POST, DELETE',
      })
  }
}

async function servePost(exchange: NativeExchange, known: Known): Promise<void> {
  const body = await readJsonBody(exchange.request, exchange.context.maxBodyBytes)
  exchange.context.checkBody?.(exchange.request, body)
  const batch = splitBatch(body)
  if (batch) return (await servedElsewhere(exchange, { body })) ? undefined : serveBatch(exchange, batch)
  const message: UpstreamMessage = { body, envelope: scanEnvelope(body), headers: passedHeaders(exchange.request) }
  if (message.envelope.kind === 'request') known.idToken = idToken(message)
  if (belongsToSomeone(exchange, message) && (await servedElsewhere(exchange, { body, message }))) return
  if (message.envelope.kind !== 'response' && isModern(message.envelope, exchange.header))
    await serveModern(exchange, message)
  else await serveLegacyMessage(exchange, message)
}

// Only a session or a parked call can live in another process.
function belongsToSomeone({ header }: NativeExchange, { envelope }: UpstreamMessage): boolean {
  return envelope.requestState !== undefined || header('mcp-session-id') !== undefined
}

const PASSED: ReadonlySet<string> = new Set(['traceparent', 'tracestate', 'baggage'])

// Only what means something to a server may pass; a credential of ours never does.
function passedHeaders(request: IncomingMessage): Record<string, string> | undefined {
  let passed: Record<string, string> | undefined
  const { headers } = request
  // `for in`, which makes no array of pairs for headers of which hardly ever one passes.
  for (const name in headers) {
    if (!PASSED.has(name) && !name.startsWith('mcp-param-')) continue
    const value = headers[name]
    if (typeof value !== 'string') continue
    passed ??= {}
    passed[name] = value
  }
  return passed
}

function fail(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  id: string,
  error: unknown,
): void {
  if (error instanceof CallerGoneError || response.destroyed) return
  const failure = toRpcFailure(error, requestId)
  if (failure.status === 500) context.onEvent({ type: 'internal-error', requestId, error })
  if (response.headersSent) {
    response.destroy()
    return
  }
  const facts = error instanceof GatewayError ? error.facts : {}
  sendJson(response, failure.status, rpcErrorMessage(failure, id), {
    ...errorHeaders(context, request, error, requestId),
    ...(facts.retryAfterMs === undefined ? {} : { 'retry-after': Math.ceil(facts.retryAfterMs / 1000) }),
    ...(request.complete ? {} : { connection: 'close' }),
  })
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
