import type { GatewayCall, GatewayReply } from './call.js'

/**
 * Sees every call after authentication and before authorisation: what it passes to `next` is what is authorised
 * and executed. Operator code or configuration, never an API body.
 */
export type Interceptor = (
  call: GatewayCall,
  next: (call: GatewayCall) => Promise<GatewayReply>,
) => Promise<GatewayReply>

export type Handler = (call: GatewayCall) => Promise<GatewayReply>

/** Chains interceptors around a handler, first one outermost. With none the handler itself is returned. */
export function chain(interceptors: readonly Interceptor[], handler: Handler): Handler {
  return interceptors.reduceRight<Handler>((next, interceptor) => (call) => interceptor(call, once(next)), handler)
}

// A second `next` would run a tool twice.
function once(next: Handler): Handler {
  let used = false
  return (call) => {
    if (used) throw new Error('interceptor: next() was called twice; a call may go upstream only once')
    used = true
    return next(call)
  }
}
