import { usageError } from '../errors.js'
import { splitPair } from './pairs.js'

/** Settings that may be named without their group `load_balancer`. */
const LOAD_BALANCER = new Set([
  'strategy',
  'health_check_interval',
  'health_check_timeout',
  'max_retries',
  'timeout',
  'max_in_flight',
  'queue_size',
  'queue_timeout',
])
/** Short names, as the flags of `gateway start` have them. */
const SHORT: ReadonlyMap<string, string> = new Map([
  ['health_interval', 'health_check_interval'],
  ['health_timeout', 'health_check_timeout'],
])

/**
 * Builds the PATCH of a template from `key=value` texts: `strategy=random`, `timeouts.total=30`, `affinity={"by":"principal"}`.
 * `key=default` sets a setting back. Which keys there are, and what fits, is for the gateway to say.
 * @throws CliError (usage)
 */
export function buildPatch(texts: readonly string[]): Record<string, unknown> {
  const patch = new Map<string, unknown>()
  for (const text of texts) {
    const [key, value] = splitPair('set', text)
    put(patch, pathOf(key), readValue(value))
  }
  return Object.fromEntries(
    [...patch].map(([key, value]) => [key, value instanceof Map ? Object.fromEntries(value) : value]),
  )
}

/** Reads a value: JSON where it is JSON, `default` as null, else text. */
export function readValue(text: string): unknown {
  if (text === 'default') return null
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function put(patch: Map<string, unknown>, [first, second]: readonly [string, string?], value: unknown): void {
  if (second === undefined) {
    patch.set(first, value)
    return
  }
  const group = patch.get(first)
  const members: Map<string, unknown> = group instanceof Map ? group : new Map()
  patch.set(first, members.set(second, value))
}

function pathOf(key: string): readonly [string, string?] {
  const [first = '', second, ...more] = key.replaceAll('-', '_').split('.')
  if (more.length > 0)
    throw usageError(`set: ${key} has too many parts; give the group as JSON, like tools={"x":"safe"}.`)
  if (second !== undefined) return [first, second]
  const name = SHORT.get(first) ?? first
  return LOAD_BALANCER.has(name) ? ['load_balancer', name] : [name]
}
