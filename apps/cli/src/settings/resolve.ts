import type { LocalGateway } from '@mcp-platform/client'
import { CliError, usageError } from '../errors.js'
import {
  DEFAULT_PROFILE,
  type Profile,
  type ProfilesDocument,
  requireProfileName,
  type StoredLogin,
} from './profiles.js'

/** A value and where it came from: `--url`, `MCPP_URL`, `profile prod`, `local gateway`, `default`. */
export interface Sourced<T> {
  readonly value: T
  readonly source: string
}

/** Which credential is sent. */
export type Credential =
  | { readonly kind: 'api-key' | 'token'; readonly secret: string }
  | { readonly kind: 'login'; readonly login: StoredLogin }

/** How to reach the gateway. */
export interface ConnectionSettings {
  readonly profile: Sourced<string>
  readonly url: Sourced<string>
  readonly managementUrl: string | undefined
  readonly credential: Sourced<Credential> | undefined
}

/** Flags that say how to reach the gateway. */
export interface ConnectionFlags {
  readonly url?: string | undefined
  readonly 'api-key'?: string | undefined
  readonly token?: string | undefined
  readonly profile?: string | undefined
}

/** Everything that settings come from. */
export interface SettingSources {
  readonly flags: ConnectionFlags
  readonly env: NodeJS.ProcessEnv
  readonly document: ProfilesDocument
  /** The gateway of the state folder, looked up only when it matters. */
  readonly local: () => Promise<LocalGateway | undefined>
}

/** Where `mcpp gateway start` listens when nothing says otherwise. */
const DEFAULT_URL = 'http://127.0.0.1:8080'

/** Settles flag > environment > profile > default. @throws CliError for an unknown profile or two credentials */
export async function resolveConnection(sources: SettingSources): Promise<ConnectionSettings> {
  const profile = activeProfile(sources)
  const chosen = profileOf(sources.document, profile)
  const explicit = explicitUrl(sources, profile.value, chosen)
  const local = await sources.local()
  const url = explicit ?? localUrl(local) ?? { value: DEFAULT_URL, source: 'default' }
  const isLocal = local !== undefined && sameOrigin(url.value, local.url)
  return {
    profile,
    url,
    managementUrl: isLocal ? local.managementUrl : undefined,
    credential:
      explicitCredential(sources) ??
      // A stored secret goes only to the gateway that it was stored for.
      profileCredential(chosen, profile.value, url.value) ??
      (isLocal ? localCredential(local) : undefined),
  }
}

function activeProfile({ flags, env, document }: SettingSources): Sourced<string> {
  if (flags.profile !== undefined) return { value: requireProfileName(flags.profile), source: '--profile' }
  const named = env['MCPP_PROFILE']
  if (named) return { value: requireProfileName(named), source: 'MCPP_PROFILE' }
  if (document.profile !== undefined) return { value: document.profile, source: 'configuration' }
  return { value: DEFAULT_PROFILE, source: 'default' }
}

function profileOf(document: ProfilesDocument, { value, source }: Sourced<string>): Profile {
  if (Object.hasOwn(document.profiles, value)) return document.profiles[value] ?? {}
  if (source === 'default' || value === DEFAULT_PROFILE) return {}
  throw new CliError('CLI_UNKNOWN_PROFILE', `There is no profile "${value}" (from ${source}).`, {
    next: 'mcpp config profiles',
  })
}

function explicitUrl({ flags, env }: SettingSources, name: string, profile: Profile): Sourced<string> | undefined {
  if (flags.url !== undefined) return { value: requireUrl(flags.url, '--url'), source: '--url' }
  if (env['MCPP_URL']) return { value: requireUrl(env['MCPP_URL'], 'MCPP_URL'), source: 'MCPP_URL' }
  if (profile.url === undefined) return undefined
  return { value: requireUrl(profile.url, `profile ${name}`), source: `profile ${name}` }
}

/** @throws CliError unless it is an http(s) URL without anything secret in it */
export function requireUrl(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:'
  if (url !== undefined && isHttp && url.username === '' && url.password === '' && url.search === '') return text
  throw usageError(`${source} must be a URL like ${DEFAULT_URL}, without user name, password or query.`)
}

function localUrl(local: LocalGateway | undefined): Sourced<string> | undefined {
  return local === undefined ? undefined : { value: local.url, source: 'local gateway' }
}

function explicitCredential({ flags, env }: SettingSources): Sourced<Credential> | undefined {
  const fromFlags = oneOf(flags['api-key'], flags.token, ['--api-key', '--token'])
  return fromFlags ?? oneOf(env['MCPP_API_KEY'], env['MCPP_TOKEN'], ['MCPP_API_KEY', 'MCPP_TOKEN'])
}

// A login is what was done last, by hand: it comes before what lies there for good.
function profileCredential(profile: Profile, name: string, url: string): Sourced<Credential> | undefined {
  const { login } = profile
  if (login !== undefined && sameOrigin(login.origin, url)) {
    return { value: { kind: 'login', login }, source: `profile ${name}` }
  }
  if (profile.url === undefined || !sameOrigin(profile.url, url)) return undefined
  const source = `profile ${name}`
  return oneOf(profile.api_key, profile.token, [source, source])
}

function localCredential(local: LocalGateway): Sourced<Credential> | undefined {
  if (local.adminToken === undefined) return undefined
  return { value: { kind: 'token', secret: local.adminToken }, source: 'local admin token' }
}

function oneOf(
  apiKey: string | undefined,
  token: string | undefined,
  [keySource, tokenSource]: readonly [string, string],
): Sourced<Credential> | undefined {
  if (apiKey && token)
    throw usageError(`Two credentials are given, an API key (${keySource}) and a token (${tokenSource}): keep one.`)
  if (apiKey) return { value: { kind: 'api-key', secret: apiKey }, source: keySource }
  if (token) return { value: { kind: 'token', secret: token }, source: tokenSource }
  return undefined
}

/** Scheme, host and port: what a stored credential is bound to. */
export function originOf(url: string): string {
  return new URL(url).origin
}

function sameOrigin(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin
}
