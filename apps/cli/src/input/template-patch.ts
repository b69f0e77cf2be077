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

/** Settings by name; a group is a node of its own. A map, so that no name can reach a prototype. */
type Node = Map<string, unknown>

/**
 * Builds the PATCH of a template from `key=value` texts: `strategy=random`, `timeouts.total=30`,
 * `failover.tools.read_file=safe`, `affinity={"by":"principal"}`. The third part is taken as it is typed, dots and all: it
 * is the name of a tool. `key=default` sets a setting back. Which keys there are, and what fits, is for the gateway to say.
 * @throws CliError (usage)
 */
export function buildPatch(texts: readonly string[]): Record<string, unknown> {
  const patch: Node = new Map()
  for (const text of texts) {
    const [key, value] = splitPair('mcpp gateway set', text)
    put(patch, pathOf(key), readValue(value))
  }
  return plain(patch)
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

function put(node: Node, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    node.set(first, value)
    return
  }
  const known = node.get(first)
  const group: Node = known instanceof Map ? known : new Map()
  node.set(first, group)
  put(group, rest, value)
}

function pathOf(key: string): readonly string[] {
  const [group = '', member, ...names] = key.split('.')
  const first = group.replaceAll('-', '_')
  if (member !== undefined) {
    const path = [first, member.replaceAll('-', '_'), ...(names.length > 0 ? [names.join('.')] : [])]
    if (path.every((part) => part !== '')) return path
    throw usageError(`${key} has an empty part.`)
  }
  const name = SHORT.get(first) ?? first
  return LOAD_BALANCER.has(name) ? ['load_balancer', name] : [name]
}

function plain(node: Node): Record<string, unknown> {
  return Object.fromEntries([...node].map(([key, value]) => [key, value instanceof Map ? plain(value) : value]))
}
