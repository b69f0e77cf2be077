import { errorCodes, isErrorCode } from '@mcp-platform/contract'
import { ProtocolError, RPC, SessionNotFoundError, TooManySessionsError } from '@mcp-platform/mcp-bridge'
import { EnvelopeError } from '@mcp-platform/mcp-upstream'
import { GatewayError } from '../errors.js'
import { toProblem } from '../problem.js'

/** A JSON-RPC error with the HTTP status that goes with it. */
export interface RpcFailure {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** Anything thrown, as the native face answers it. `data` of our own errors is the problem of the REST face. */
export function toRpcFailure(error: unknown, requestId: string): RpcFailure {
  if (error instanceof ProtocolError)
    return { status: error.status, code: error.rpcCode, message: error.message, data: error.data }
  if (error instanceof EnvelopeError) return { status: 400, code: error.rpcCode, message: error.message }
  if (error instanceof SessionNotFoundError) return { status: 404, code: RPC.invalidRequest, message: error.message }
  if (error instanceof TooManySessionsError) return { status: 503, code: -31_003, message: error.message }
  const problem = toProblem(error, requestId)
  const known = isErrorCode(problem.code) ? errorCodes[problem.code].rpcCode : -32_603
  const upstream = error instanceof GatewayError ? error.facts.upstream : undefined
  return { status: problem.status, code: upstream?.code ?? known, message: problem.detail, data: problem }
}

/** The error as a JSON-RPC message; `idToken` is the raw token of the request's id, or `null`. */
export function rpcErrorMessage(failure: RpcFailure, idToken: string): Buffer {
  const { code, message, data } = failure
  return Buffer.from(`{"jsonrpc":"2.0","id":${idToken},"error":${JSON.stringify({ code, message, data })}}`)
}
