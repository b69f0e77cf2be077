import { type Actor, decide, type Principal } from '@mcp-platform/auth'
import type { ChangeContext } from '@mcp-platform/core-registry'
import type { Request } from 'express'
import { requestIdOf } from '../http/request-id.js'
import type { Services } from '../http/services.js'

/** Who passed `@Security`. */
export function principalOf(request: Request): Principal {
  // tsoa puts there what `expressAuthentication` returned.
  return (request as Request & { readonly user: Principal }).user
}

/** Who makes a change, for its audit record. */
export function changeBy(request: Request, services: Services): ChangeContext {
  return { actor: principalOf(request).id, ...whereOf(request, services) }
}

/** From where a request comes, and its id. */
export function whereOf(request: Request, services: Services): { requestId: string; address: string } {
  const id = request.res?.locals['requestId']
  const requestId = typeof id === 'string' ? id : requestIdOf(request)
  return { requestId, address: services.addressOf(request) }
}

/** Who makes a change of users and keys, or logs in. */
export function actorOf(request: Request, services: Services): Actor {
  return { principal: principalOf(request), ...whereOf(request, services) }
}

/** Which templates a caller may see. */
export function mayRead(principal: Principal): (template: string) => boolean {
  return (template) => decide(principal, { scope: 'registry:read', template }).allowed
}

/** Only the members whose name passes. */
export function pick<T>(record: Readonly<Record<string, T>>, passes: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => passes(name)))
}
