import type { Principal, Scope } from '@mcp-platform/auth'
import type { Request } from 'express'
import { requireAllowed } from '../identity/access.js'
import { readManagementBody } from './management-body.js'
import { noteCaller } from './note-caller.js'
import { servicesOf } from './services.js'

/**
 * What `@Security('gateway', [scopes])` does, called by the generated routes: who is it, may they, and only then the
 * body, so that a stranger cannot make us read one.
 * @throws GatewayError
 */
export async function expressAuthentication(request: Request, _name: string, scopes?: string[]): Promise<Principal> {
  const principal = await servicesOf(request).authenticate(request)
  noteCaller(request, principal)
  const template = request.params['template']
  for (const scope of scopes ?? []) {
    requireAllowed(
      principal,
      typeof template === 'string' ? { scope: scope as Scope, template } : { scope: scope as Scope },
    )
  }
  request.body = await readManagementBody(request)
  return principal
}
