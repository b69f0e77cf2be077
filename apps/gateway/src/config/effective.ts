import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { isLoopback } from '../http/addresses.js'
import type { Settings } from './settings.js'

/** What holds where a setting has no fixed default. */
export interface EffectiveModes {
  readonly auth: boolean
  readonly stdioMode: 'off' | 'profiles' | 'commands'
  /** The local admin token may register commands. */
  readonly mayExecute: boolean
  readonly database: string
  readonly logFormat: 'json' | 'pretty'
}

/** Works out the defaults that depend on other settings, the state folder or the terminal. */
export function effectiveModes(
  settings: Settings,
  facts: { readonly stateDir: string; readonly terminal: boolean },
): EffectiveModes {
  const local = isLoopback(settings.host)
  const stdioMode = settings.stdioMode ?? (local ? 'commands' : 'profiles')
  return {
    auth: settings.auth ?? !local,
    stdioMode,
    mayExecute: local,
    database: settings.database ?? `sqlite://${join(facts.stateDir, 'gateway.db')}`,
    logFormat: settings.logFormat ?? (facts.terminal ? 'pretty' : 'json'),
  }
}

/** Risks that the operator should know of at start; one sentence each. */
export function startWarnings(settings: Settings, modes: EffectiveModes): string[] {
  const warnings: string[] = []
  const remote = !isLoopback(settings.host)
  if (remote && settings.tlsCert === undefined && !settings.behindProxy) {
    warnings.push(`traffic on ${settings.host} is not encrypted; give --tls-cert and --tls-key, or --behind-proxy`)
  }
  const cores = availableParallelism()
  if (settings.workers > cores) {
    warnings.push(`${settings.workers} workers share ${cores} cores; more than one per core brings nothing`)
  }
  if (!modes.auth) {
    const who = remote ? 'everybody who reaches this address' : 'every user of this machine'
    warnings.push(`authentication is off: ${who} may call tools; --auth turns it on`)
  } else if (!settings.rateLimit.some((rule) => /^(principal|template|tool)/.test(rule))) {
    warnings.push('no limit is set for calls of authenticated callers; --rate-limit principal=600/minute sets one')
  }
  return warnings
}
