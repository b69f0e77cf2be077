import { GatewayError } from '@mcp-platform/gateway-core'
import type { Request } from 'express'
import { toGatewayError } from './error-table.js'
import { notedCaller } from './note-caller.js'
import type { Services } from './services.js'

/** Any error of a management request as one of the contract; a refusal gets its challenge and is audited. */
export function refusalOf(thrown: unknown, request: Request, services: Services, requestId: string): GatewayError {
  const error = toGatewayError(thrown)
  if (error.code !== 'FORBIDDEN' && error.code !== 'CREDENTIAL_REQUIRED') return error
  const caller = notedCaller(request)
  if (caller !== undefined) {
    services.identity.audit.denied({
      actor: caller.id,
      action: `${request.method} ${request.route?.path ?? request.path}`,
      reason: error.message,
      requestId,
      address: services.addressOf(request),
    })
  }
  return withChallenge(error, request, services)
}

function withChallenge(error: GatewayError, request: Request, services: Services): GatewayError {
  const { missingScope, challenge } = error.facts
  if (challenge !== undefined) return error
  const { challenges } = services.identity.door
  const scopes = missingScope === undefined ? undefined : [missingScope]
  if (error.code === 'CREDENTIAL_REQUIRED') return rechallenged(error, challenges.missing(request, scopes))
  return missingScope === undefined ? error : rechallenged(error, challenges.insufficient(request, missingScope))
}

function rechallenged({ code, message, facts, cause }: GatewayError, challenge: string): GatewayError {
  return new GatewayError(code, message, { ...facts, challenge }, cause)
}
