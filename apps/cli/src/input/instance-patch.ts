import type { InstancePatch } from '@mcp-platform/contract'
import { usageError } from '../errors.js'
import { splitPair } from './pairs.js'
import { readValue } from './template-patch.js'

/** What belongs to an instance and to no template. */
const OF_INSTANCES = new Set(['weight', 'state'])

/** Builds the PATCH of an instance from `key=value` texts. @throws CliError (usage) */
export function instancePatch(pairs: readonly string[]): InstancePatch {
  const entries = pairs
    .map((pair) => splitPair('mcpp gateway set', pair))
    .map(([key, value]) => [key, readValue(value)])
  return Object.fromEntries(entries) as InstancePatch
}

/**
 * Notices what `set T ID weight=3` and `set T weight=3` are meant to be.
 * @throws CliError (usage) with the command that does it
 */
export function checkPairs(template: string, instance: string | undefined, pairs: readonly string[]): void {
  const word = pairs.find((pair) => !pair.includes('='))
  const others = pairs.filter((pair) => pair !== word)
  if (word !== undefined && (instance !== undefined || others.length === 0)) {
    throw usageError(`Expected KEY=VALUE, got ${JSON.stringify(word)}.`, 'mcpp gateway set --help')
  }
  if (word !== undefined) {
    const message = `Expected KEY=VALUE, got ${JSON.stringify(word)}; an instance is named with --instance.`
    throw usageError(message, setCommand(template, word, others))
  }
  const misplaced = instance === undefined && pairs.find((pair) => OF_INSTANCES.has(pair.split('=', 1)[0] ?? ''))
  if (misplaced) {
    const message = `${misplaced.split('=', 1)[0]} is set on an instance, and none is named.`
    throw usageError(message, setCommand(template, 'ID', pairs))
  }
}

function setCommand(template: string, instance: string, pairs: readonly string[]): string {
  return ['mcpp gateway set', template, '--instance', instance, ...pairs].join(' ')
}
