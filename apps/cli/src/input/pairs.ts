import { usageError } from '../errors.js'

/** Splits `key=value` texts of a repeatable flag. @throws CliError (usage) that does not repeat the value: it may be a secret */
export function parsePairs(flag: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(texts.map((text) => splitPair(flag, text)))
}

/** Splits at the first `=`. @param taker who expects the pair: a flag, or a command @throws CliError (usage) */
export function splitPair(taker: string, text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at <= 0) throw usageError(`${taker} expects KEY=VALUE.`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Reads a JSON object given as a text. @throws CliError (usage) */
export function parseObject(flag: string, text: string): Record<string, unknown> {
  const value = parseJson(flag, text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw usageError(`${flag} expects a JSON object, like '{"path":"/etc/hosts"}'.`)
}

/** @throws CliError (usage) that says where it stops being JSON */
export function parseJson(flag: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw usageError(`${flag} expects JSON: ${cause instanceof Error ? cause.message : String(cause)}.`)
  }
}
