import type { Principal } from '@mcp-platform/auth'
import type { Request } from 'express'

const CALLER = 'caller'

/** Remembers who sends a request, for the audit record of a refusal. */
export function noteCaller(request: Request, principal: Principal): void {
  if (request.res !== undefined) request.res.locals[CALLER] = principal
}

/** Who sends a request; undefined while nobody knows. */
export function notedCaller(request: Request): Principal | undefined {
  const caller: Principal | undefined = request.res?.locals[CALLER]
  return caller
}
