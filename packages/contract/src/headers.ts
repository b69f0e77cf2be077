/** Header names that the API gives a meaning; lower case, as Node spells them. */
export const headerNames = {
  /** Kept when valid, minted otherwise; on every response. */
  requestId: 'x-request-id',
  /** How many instances were tried; on MCP operations. */
  gatewayAttempts: 'x-gateway-attempts',
  /** Which instance answered; for callers with registry:read. */
  gatewayInstance: 'x-gateway-instance',
  /** Seconds; may only shorten the deadline of a call. */
  requestTimeout: 'request-timeout',
  idempotencyKey: 'idempotency-key',
  apiKey: 'x-api-key',
} as const
