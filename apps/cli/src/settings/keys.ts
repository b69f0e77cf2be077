import { usageError } from '../errors.js'
import { requireUrl } from './resolve.js'

/** What a profile holds. `profile` itself names the one in use. */
export const configKeys = ['url', 'api-key', 'token', 'profile'] as const

export type ConfigKey = (typeof configKeys)[number]

/** The member of a profile for a key of the command line. */
export const profileMembers: Readonly<Record<Exclude<ConfigKey, 'profile'>, 'url' | 'api_key' | 'token'>> = {
  url: 'url',
  'api-key': 'api_key',
  token: 'token',
}

/** @throws CliError (usage) for a value that cannot be used; does not repeat a secret */
export function requireValue(key: Exclude<ConfigKey, 'profile'>, value: string): string {
  if (key === 'url') return requireUrl(value, 'the url')
  if (/^[\x21-\x7e]+$/.test(value)) return value
  throw usageError(`${key} must be printable characters without spaces.`)
}

/** A secret for people: that it is there, and its last characters. */
export function masked(secret: string): string {
  return secret.length > 12 ? `****${secret.slice(-4)}` : '****'
}
