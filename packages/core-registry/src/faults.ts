import type { z } from 'zod'
import { isObject } from './json.js'

/** One thing that is wrong with an input: where (`instance.weight`, `instances[2].endpoint`) and what. */
export interface Fault {
  readonly path: string
  readonly message: string
}

/** Where a value lies in its document. */
export type Path = readonly PropertyKey[]

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/

/** Writes a path for people: names joined by dots, list positions and unusual names in brackets. */
export function pathText(path: Path): string {
  let text = ''
  for (const key of path) text += step(key, text === '')
  return text
}

function step(key: PropertyKey, first: boolean): string {
  if (typeof key === 'number') return `[${key}]`
  const name = String(key)
  if (!PLAIN_KEY.test(name)) return `[${JSON.stringify(name)}]`
  return first ? name : `.${name}`
}

/**
 * Checks `input` against a schema. Every fault is appended to `faults` under `at`.
 * Returns the parsed value, or undefined when there was a fault.
 */
export function check<T>(schema: z.ZodType<T>, input: unknown, at: Path, faults: Fault[]): T | undefined {
  const result = schema.safeParse(input, { reportInput: true })
  if (result.success) return result.data
  for (const issue of result.error.issues) faults.push(...issueFaults(issue, at))
  return undefined
}

/** Says what was given, short and on one line. */
export function given(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return `the text ${JSON.stringify(clip(value))}`
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return String(value)
  return kindOf(value)
}

function issueFaults(issue: z.core.$ZodIssue, at: Path): Fault[] {
  const path = [...at, ...issue.path]
  if (issue.code !== 'unrecognized_keys') return [{ path: pathText(path), message: issueText(issue) }]
  return issue.keys.map((key) => ({ path: pathText([...path, key]), message: issue.message }))
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return wrongType(issue)
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.join(', ')}; got ${shown(issue)}`
  if (issue.code === 'too_small') return `expected ${bound(issue, 'at least', issue.minimum)}`
  if (issue.code === 'too_big') return `expected ${bound(issue, 'at most', issue.maximum)}`
  if (issue.code === 'invalid_union') return unionText(issue)
  return issue.message
}

function wrongType(issue: z.core.$ZodIssueInvalidType): string {
  if (issue.input === undefined) return `is required: ${article(issue.expected)}`
  const hint = issue.expected === 'number' && typeof issue.input === 'string' ? ' (write it without quotes)' : ''
  return `expected ${article(issue.expected)}, got ${shown(issue)}${hint}`
}

function unionText(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
  const chooser = issue.path.at(-1)
  const choice = isObject(issue.input) && typeof chooser === 'string' ? issue.input[chooser] : issue.input
  return options.length === 0 ? issue.message : `expected one of ${options.join(', ')}; got ${given(choice)}`
}

function bound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, word: string, limit: number | bigint): string {
  if (issue.origin === 'string') return `${word} ${limit} characters`
  if (issue.origin === 'array') return `${word} ${limit} entries`
  const strict = issue.inclusive === false ? (word === 'at least' ? 'more than' : 'less than') : word
  return `${strict} ${limit}, got ${shown(issue)}`
}

/** Header and environment values, certificates and keys are secrets: of them only the kind is told. */
function shown(issue: z.core.$ZodIssue): string {
  const secret = issue.path.some((key) => key === 'headers' || key === 'env' || key === 'tls')
  return secret ? kindOf(issue.input) : given(issue.input)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return article(typeof value)
}

function article(kind: string): string {
  const words: Record<string, string> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    object: 'an object',
    record: 'an object',
    array: 'a list',
  }
  return words[kind] ?? `a ${kind}`
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
