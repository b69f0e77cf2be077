/** JSON-RPC error codes of the protocol that the bridge itself answers with (SPEC 2026-07-28 basic/index). */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
} as const

/**
 * The caller broke a rule of the protocol, or asked for what its era does not have. Nothing was executed.
 * `status` is the HTTP status that the specification demands with it.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code = 'BRIDGE_PROTOCOL'
  readonly rpcCode: number
  readonly status: number
  readonly data: unknown

  constructor(rpcCode: number, status: number, message: string, data?: unknown) {
    super(message)
    this.rpcCode = rpcCode
    this.status = status
    this.data = data
  }
}

/** A legacy session that is unknown, ended, expired, or another principal's: the client must initialize again. */
export class SessionNotFoundError extends Error {
  override readonly name = 'SessionNotFoundError'
  readonly code = 'BRIDGE_SESSION_NOT_FOUND'

  /** `cause`: what the server, or the way to it, failed with, if that ended the session. */
  constructor(cause?: unknown) {
    super('the session is not known here; initialize again', cause === undefined ? undefined : { cause })
  }
}
