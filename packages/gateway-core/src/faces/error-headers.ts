import type { IncomingMessage } from 'node:http'
import { GatewayError } from '../errors.js'
import type { FaceContext } from './context.js'
import type { Headers } from './respond.js'

/** Header fields that an error brings on either face. */
export function errorHeaders(
  context: Pick<FaceContext, 'challenge'>,
  request: IncomingMessage,
  error: unknown,
  requestId: string,
): Headers {
  const facts = error instanceof GatewayError ? error.facts : {}
  const { allow, headers, missingScope } = facts
  const challenge =
    facts.challenge ?? (missingScope === undefined ? undefined : context.challenge?.(request, missingScope))
  return {
    'x-request-id': requestId,
    ...headers,
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(allow === undefined ? {} : { allow }),
  }
}
