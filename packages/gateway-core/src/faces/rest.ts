import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Tool } from '@mcp-platform/contract'
import { type CatalogueList, LIST_MEMBERS, type ListMethod } from '@mcp-platform/mcp-bridge'
import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import { type CallTrace, type GatewayCall, type GatewayReply, newTrace } from '../call.js'
import { CallScope, totalTimeMs } from '../call-scope.js'
import { CallerGoneError, GatewayError } from '../errors.js'
import { toProblem } from '../problem.js'
import { runBatch } from './batch.js'
import { readJsonBody } from './body.js'
import type { FaceContext } from './context.js'
import { errorHeaders } from './error-headers.js'
import { EventStream } from './event-stream.js'
import { callHeaders } from './headers.js'
import { type Headers, sendJson, sendProblem } from './respond.js'
import { type RestExchange, resultBytes, resultOf, toCall } from './rest-exchange.js'
import { toMessage, withProgress } from './rest-message.js'
import { type McpPath, type RestMethod, type RestOperation, requireOperation } from './rest-path.js'

/** Accepting SSE, a caller that waits this long gets its stream opened early so that nothing in between gives up, in milliseconds. */
const OPEN_STREAM_AFTER_MS = 10_000

/** Time to find out that there is no such template, in milliseconds. */
const UNKNOWN_TOTAL_MS = 60_000

/** The REST face: one HTTP exchange in, one call (or list, batch, view) through the pipeline, one answer out. */
export async function serveRest(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  path: McpPath & { template: string },
  requestId: string,
): Promise<void> {
  const trace = newTrace(context.addressOf?.(request))
  let scope: CallScope | undefined
  try {
    const operation = requireOperation(path, request.method ?? '')
    const principal = await context.authenticate(request)
    scope = openScope(context, request, response, path.template)
    const exchange = { context, request, response, template: path.template, requestId, principal, scope, trace }
    await run(exchange, operation)
  } catch (error) {
    fail(context, request, response, requestId, trace, error)
  } finally {
    scope?.end()
  }
}

function run(exchange: RestExchange, operation: RestOperation): Promise<void> {
  switch (operation.kind) {
    case 'list':
      return sendList(exchange, operation.method)
    case 'request':
      return sendRequest(exchange, operation.method)
    case 'batch':
      return runBatch(exchange)
    case 'health':
      return sendHealth(exchange)
  }
}

async function sendHealth({ context, response, principal, template, requestId, trace }: RestExchange): Promise<void> {
  context.authorizer.require(principal, { scope: 'registry:read', template }, { requestId, address: trace.address })
  sendJson(response, 200, JSON.stringify(context.templateHealth(template)), { 'x-request-id': requestId })
}

function openScope(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  template: string,
): CallScope {
  // Whether the template is there is found out after whether the caller may ask.
  const totalMs = context.routes.find(template)?.settings.timeouts.totalMs ?? UNKNOWN_TOTAL_MS
  return new CallScope({
    response,
    wheel: context.wheel,
    totalMs: totalTimeMs(request, totalMs),
    scopes: context.scopes,
  })
}

async function sendList(exchange: RestExchange, method: ListMethod): Promise<void> {
  const { context, principal, template, response, scope, requestId, trace } = exchange
  const from = { requestId, address: trace.address }
  const list = await context.lists.visible({ template, method, principal, from, signal: scope.signal })
  const member = LIST_MEMBERS[method]
  const items = method === 'tools/list' ? list.items.map(withParameters) : list.items
  sendJson(response, 200, JSON.stringify({ [member]: items, count: items.length }), listHeaders(list, requestId))
}

// The original gateway called a tool's inputSchema "parameters"; its users get both.
function withParameters(tool: Readonly<Record<string, unknown>>): Tool | Readonly<Record<string, unknown>> {
  return 'parameters' in tool || !('inputSchema' in tool) ? tool : { ...tool, parameters: tool['inputSchema'] }
}

function listHeaders(list: CatalogueList, requestId: string): Headers {
  return {
    'x-request-id': requestId,
    ...(list.stale ? { warning: '110 - "the list is stale; its server could not be asked"' } : {}),
  }
}

async function sendRequest(exchange: RestExchange, method: RestMethod): Promise<void> {
  const body = await readJsonBody(exchange.request, exchange.context.maxBodyBytes)
  const message = toMessage(method, body)
  const streaming = method === 'tools/call' && acceptsEventStream(exchange.request)
  if (streaming) return streamCall(exchange, withProgress(message))
  const call = toCall(exchange, message)
  const startedAt = exchange.context.now()
  const result = await resultOf(await exchange.context.pipeline.run(call), call)
  sendJson(exchange.response, 200, result, {
    ...callHeaders(exchange),
    'server-timing': `gateway;dur=${ms(exchange.context.now() - startedAt - call.trace.upstreamMs)}, upstream;dur=${ms(call.trace.upstreamMs)}`,
  })
}

async function streamCall(exchange: RestExchange, message: UpstreamMessage): Promise<void> {
  const call = toCall(exchange, message, exchange.trace, 'info')
  let stream: EventStream | undefined
  const open = (): EventStream => {
    stream ??= new EventStream(exchange.response, callHeaders(exchange), exchange.context)
    return stream
  }
  const early = setTimeout(open, OPEN_STREAM_AFTER_MS).unref()
  try {
    const reply = await exchange.context.pipeline.run(call)
    const result = await streamedResult(reply, call, open)
    await open().send(result, 'result')
  } catch (error) {
    if (!stream) throw error
    await stream.send(JSON.stringify(toProblem(error, exchange.requestId)), 'error')
  } finally {
    clearTimeout(early)
    stream?.end()
  }
}

async function streamedResult(reply: GatewayReply, call: GatewayCall, open: () => EventStream): Promise<Buffer> {
  if (reply.kind !== 'stream') return resultOf(reply, call)
  let result: Buffer | undefined
  await reply.pipe({
    message: (json, envelope) => {
      if (envelope.kind === 'notification') return open().send(json, 'message')
      if (envelope.kind === 'response') result = resultBytes(json, envelope, call)
      return undefined
    },
  })
  if (result) return result
  throw new GatewayError('UPSTREAM_BAD_ANSWER', 'the answer ended without a result', { template: call.template })
}

function fail(
  context: FaceContext,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  trace: CallTrace,
  error: unknown,
): void {
  if (error instanceof CallerGoneError || response.destroyed) return
  const problem = toProblem(error, requestId)
  if (problem.status === 500) context.onEvent({ type: 'internal-error', requestId, error })
  // A body that nobody will read must not be taken for the next request.
  const close = request.complete ? {} : { connection: 'close' }
  sendProblem(response, problem, { ...errorHeaders(context, request, error, requestId), ...attempts(trace), ...close })
}

function attempts(trace: CallTrace): Headers {
  return trace.attempts === 0 ? {} : { 'x-gateway-attempts': trace.attempts }
}

// Many clients accept both without wanting a stream: the one named first is the one that is meant.
function acceptsEventStream(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  const stream = accept.indexOf('text/event-stream')
  const json = accept.indexOf('application/json')
  return stream >= 0 && (json < 0 || stream < json)
}

function ms(value: number): string {
  return Math.max(0, value).toFixed(2)
}
