import {
  InstanceNotFoundError,
  RegistryConflictError,
  RegistryFileError,
  RegistryStaleError,
  TemplateNotFoundError,
  ValidationError,
} from '@mcp-platform/core-registry'
import { GatewayError } from '@mcp-platform/gateway-core'
import { ValidateError } from '@tsoa/runtime'
import { isDatabaseFailure } from '../database/failure.js'
import { reasonOf, systemCode } from '../errors.js'
import { fromAuthError } from '../identity/refusals.js'

const DATABASE_RETRY_MS = 2_000

/** Everything that can go wrong in a management request, as an error of the contract. What nobody knows is INTERNAL. */
export function toGatewayError(error: unknown): GatewayError {
  return (
    known(error) ??
    new GatewayError(
      'INTERNAL',
      'the gateway failed to handle the request; its log has the cause under this request id',
      {},
      error,
    )
  )
}

function known(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error
  if (error instanceof ValidateError) return fromTsoa(error)
  if (isDatabaseFailure(error)) {
    const message =
      systemCode(error) === 'STORE_OUTCOME_UNKNOWN'
        ? 'the database did not confirm the change; it may have been made: look before you repeat it'
        : 'the database does not serve now; nothing was changed, try again'
    return new GatewayError(
      'DATABASE_UNAVAILABLE',
      message,
      { retryAfterMs: DATABASE_RETRY_MS, retryable: true },
      error,
    )
  }
  return fromAuthError(error) ?? fromRegistry(error) ?? fromExpress(error)
}

function fromRegistry(error: unknown): GatewayError | undefined {
  if (error instanceof ValidationError) {
    return new GatewayError('VALIDATION_FAILED', error.message, { errors: error.errors })
  }
  if (error instanceof TemplateNotFoundError) {
    return new GatewayError('TEMPLATE_NOT_FOUND', error.message, { template: error.template })
  }
  if (error instanceof InstanceNotFoundError) {
    const facts = { template: error.template, instanceId: error.instanceId }
    return new GatewayError('INSTANCE_NOT_FOUND', error.message, facts)
  }
  if (error instanceof RegistryConflictError) return fromConflict(error)
  if (error instanceof RegistryFileError) return new GatewayError('VALIDATION_FAILED', error.message)
  if (error instanceof RegistryStaleError) {
    return new GatewayError('CONFLICT', 'others keep changing the registry; try again', {
      retryable: true,
      retryAfterMs: 1_000,
    })
  }
  return undefined
}

function fromConflict(error: RegistryConflictError): GatewayError {
  const hint = error.reason === 'different-spec' ? ' (?replace=true)' : ''
  const source = error.reason === 'other-source' ? error.owner : undefined
  const facts = { template: error.template, instanceId: error.instanceId, source }
  return new GatewayError('CONFLICT', `${error.message}${hint}`, facts)
}

// Query parameters and the like, checked by generated code.
function fromTsoa(error: ValidateError): GatewayError {
  const errors = Object.entries(error.fields).map(([path, { message }]) => ({
    path: path.replace(/^body\./, ''),
    message: plain(message),
  }))
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new GatewayError('VALIDATION_FAILED', detail, { errors })
}

// What tsoa says of a union is JSON in JSON in JSON.
function plain(message: string): string {
  if (!message.startsWith('Could not match')) return message
  const named = [...message.replaceAll('\\', '').matchAll(/should be one of the following; \[(.*?)\]/g)]
  const choices = [...new Set(named.map(([, choice = '']) => choice.replace(/["']/g, '')))]
  return choices.length === 0 ? 'is not of an accepted form' : `must be one of ${choices.join(', ')}`
}

// Express refuses a path that cannot be decoded, with a status of 400.
function fromExpress(error: unknown): GatewayError | undefined {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return status === 400 ? new GatewayError('REQUEST_MALFORMED', reasonOf(error)) : undefined
}
