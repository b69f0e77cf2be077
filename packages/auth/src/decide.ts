import { matchesGlob } from './glob.js'
import type { Action, Decision, Principal } from './principal.js'

const ALLOWED: Decision = Object.freeze({ allowed: true })
const WRONG_TEMPLATE: Decision = Object.freeze({ allowed: false, reason: 'template' })
const WRONG_TOOL: Decision = Object.freeze({ allowed: false, reason: 'tool' })

/**
 * The one place where a permission is decided: list, call, read, subscribe and complete all ask here,
 * so what may not be called is not listed either. Pure, synchronous, denies by default.
 */
export function decide(principal: Principal, action: Action): Decision {
  if (!principal.scopes.has(action.scope)) return { allowed: false, reason: 'scope', missing: action.scope }
  if (action.template === undefined) return ALLOWED
  if (!covers(principal.templates, action.template)) return WRONG_TEMPLATE
  if (action.tool !== undefined && !covers(principal.tools, action.tool)) return WRONG_TOOL
  return ALLOWED
}

// An absent list is no narrowing; an empty one covers nothing (an empty allow-list must never mean "all").
function covers(globs: readonly string[] | undefined, name: string): boolean {
  return globs === undefined || globs.some((glob) => matchesGlob(glob, name))
}
