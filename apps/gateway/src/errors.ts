/** One setting that cannot be used. */
export interface ConfigFault {
  /** The setting's name as in the configuration file: `health_interval`. */
  readonly name: string
  /** Where the value came from: `--port`, `MCP_GATEWAY_PORT`, `port in gateway.yaml`. */
  readonly source: string
  /** One sentence with the bad value; never a secret. */
  readonly message: string
}

/** The configuration cannot be used. `errors` holds every fault, `message` all of them in one text. */
export class GatewayConfigError extends Error {
  override readonly name = 'GatewayConfigError'
  readonly code = 'GATEWAY_CONFIG_INVALID'
  readonly errors: readonly ConfigFault[]

  constructor(errors: readonly ConfigFault[]) {
    super(errors.map((fault) => `${fault.source}: ${fault.message}`).join('; '))
    this.errors = errors
  }
}

const START_FAILURES = [
  'ADDRESS_IN_USE',
  'ADMIN_PASSWORD',
  'ADDRESS_NOT_AVAILABLE',
  'ADDRESS_NOT_PERMITTED',
  'ALREADY_RUNNING',
  'DATABASE_UNREACHABLE',
  'DATABASE_DRIVER_MISSING',
  'DATABASE_IN_USE',
  'MASTER_KEY',
  'SCHEMA_OUTDATED',
  'SCHEMA_NEWER',
  'STATE_FOLDER',
  'TLS_FILES',
  'WORKER_FAILED',
] as const

/** Why a gateway could not start. */
export type StartFailure = (typeof START_FAILURES)[number]

/** True for a code of {@link GatewayStartError}. */
export function isStartFailure(code: string): code is StartFailure {
  return START_FAILURES.some((known) => known === code)
}

/** The configuration is fine but the gateway cannot start. `message` is one sentence that says what to do. */
export class GatewayStartError extends Error {
  override readonly name = 'GatewayStartError'
  readonly code: StartFailure

  constructor(code: StartFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** The text of anything thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join(', ')
  const message = memberOf(error, 'message')
  return message === undefined || message === '' ? String(error) : message
}

/** The system's error code (`EADDRINUSE`, …) of anything thrown. */
export function systemCode(error: unknown): string | undefined {
  return memberOf(error, 'code')
}

// By shape: errors of Node's own modules are of another realm where code runs in a sandbox (jest).
function memberOf(error: unknown, name: 'code' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}
