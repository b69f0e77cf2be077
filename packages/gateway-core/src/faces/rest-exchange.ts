import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '@mcp-platform/auth'
import type { UpstreamMessage } from '@mcp-platform/mcp-upstream'
import type { CallTrace, GatewayCall, GatewayReply } from '../call.js'
import type { CallScope } from '../call-scope.js'
import { GatewayError } from '../errors.js'
import { plainCaller } from '../plain-caller.js'
import { capabilityRequired, upstreamError } from '../upstream-error.js'
import type { FaceContext } from './context.js'

const INPUT_REQUIRED = Buffer.from('"input_required"')

/** One exchange on its way through this face. */
export interface RestExchange {
  readonly context: FaceContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly template: string
  readonly requestId: string
  readonly principal: Principal
  readonly scope: CallScope
  readonly trace: CallTrace
}

/** One REST call as the pipeline takes it. */
export function toCall(
  exchange: RestExchange,
  message: UpstreamMessage,
  trace: CallTrace = exchange.trace,
  logLevel?: string,
): GatewayCall {
  return {
    requestId: exchange.requestId,
    face: 'rest',
    template: exchange.template,
    principal: exchange.principal,
    message,
    caller: plainCaller(exchange.principal, logLevel),
    signal: exchange.scope.signal,
    header: (name) => headerOf(exchange.request, name),
    trace,
  }
}

/**
 * The bytes of the result, as the server wrote them. A stream is read to its end: its notifications have nobody to go to.
 * @throws GatewayError for the server's JSON-RPC error
 */
export async function resultOf(reply: GatewayReply, call: GatewayCall): Promise<Buffer> {
  if (reply.kind === 'complete') return resultBytes(reply.json, reply.envelope, call)
  if (reply.kind === 'accepted')
    throw new GatewayError('UPSTREAM_BAD_ANSWER', 'the server took the request and gave no answer', {
      template: call.template,
    })
  let result: Buffer | undefined
  await reply.pipe({
    message: (json, envelope) => {
      if (envelope.kind === 'response') result = resultBytes(json, envelope, call)
    },
  })
  if (result) return result
  throw new GatewayError('UPSTREAM_BAD_ANSWER', 'the answer ended without a result', { template: call.template })
}

/** The bytes of `result` in a response. @throws GatewayError for the server's JSON-RPC error */
export function resultBytes(
  json: Buffer,
  envelope: (GatewayReply & { kind: 'complete' })['envelope'],
  call: GatewayCall,
): Buffer {
  if (envelope.error) throw upstreamError(json, envelope.error, call)
  if (!envelope.result)
    throw new GatewayError('UPSTREAM_BAD_ANSWER', 'the answer has neither result nor error', {
      template: call.template,
    })
  const result = json.subarray(envelope.result.start, envelope.result.end)
  if (result.includes(INPUT_REQUIRED) && asksBack(result)) throw capabilityRequired(call)
  return result
}

function asksBack(result: Buffer): boolean {
  const value: unknown = JSON.parse(result.toString())
  return typeof value === 'object' && value !== null && 'resultType' in value && value.resultType === 'input_required'
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
