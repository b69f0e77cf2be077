import { usageError } from '../errors.js'

/**
 * The id of an API key: itself, or what it is in a whole key (`mcpp_<id>_…`), so that a key that leaked can be revoked as it
 * was found. The secret goes nowhere.
 * @throws CliError (usage) for what is neither
 */
export function keyIdOf(text: string): string {
  const id = /^mcpp_([A-Za-z0-9-]{12})_/.exec(text)?.[1] ?? text
  if (/^[A-Za-z0-9_-]{1,64}$/.test(id)) return id
  throw usageError('That is no id of an API key.', 'mcpp gateway list-api-keys')
}
