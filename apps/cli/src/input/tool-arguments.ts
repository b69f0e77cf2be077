import { usageError } from '../errors.js'
import { isObject } from '../json-object.js'
import { parseJson, splitPair } from './pairs.js'

type Schema = Readonly<Record<string, unknown>>

/**
 * Builds a tool's arguments from `--arg` texts. `key=value` becomes what the tool's schema says (number, boolean, list,
 * object; text where it says nothing), `key:=JSON` is taken as JSON. A key that is given again makes a list.
 * @throws CliError (usage) for a value that does not fit
 */
export function buildArguments(texts: readonly string[], inputSchema: unknown): Record<string, unknown> {
  const properties = memberOf(inputSchema, 'properties')
  const grouped = new Map<string, string[]>()
  for (const text of texts) {
    const [key, value] = splitPair('--arg', text)
    grouped.set(key, [...(grouped.get(key) ?? []), value])
  }
  return Object.fromEntries([...grouped].map(([key, values]) => readArgument(key, values, properties)))
}

/** True when the schema is needed to read them: `key:=JSON` needs none. */
export function needsSchema(texts: readonly string[]): boolean {
  return texts.some((text) => !splitPair('--arg', text)[0].endsWith(':'))
}

function readArgument(key: string, values: readonly string[], properties: Schema): readonly [string, unknown] {
  if (key.endsWith(':')) return [key.slice(0, -1), parseJson(`--arg ${key}=`, values.at(-1) ?? '')]
  const schema = memberOf(properties, key)
  if (isList(schema, values)) {
    const items = memberOf(schema, 'items')
    return [key, values.map((value) => coerce(key, value, items))]
  }
  if (values.length > 1) throw usageError(`--arg ${key} is given ${values.length} times, but it is no list.`)
  return [key, coerce(key, values[0] ?? '', schema)]
}

function isList(schema: Schema, values: readonly string[]): boolean {
  return typesOf(schema).includes('array') && !(values.length === 1 && values[0]?.trimStart().startsWith('['))
}

function coerce(key: string, text: string, schema: Schema): unknown {
  const types = typesOf(schema)
  if (types.length === 0 || types.includes('string')) return text
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (types.includes('null') && text === 'null') return null
  if ((types.includes('number') || types.includes('integer')) && isNumber(text)) return Number(text)
  if (types.includes('object') || types.includes('array')) return parseJson(`--arg ${key}`, text)
  throw usageError(`--arg ${key} expects ${types.join(' or ')}, got ${JSON.stringify(text)}.`)
}

function isNumber(text: string): boolean {
  return text.trim() !== '' && Number.isFinite(Number(text))
}

function typesOf(schema: Schema): string[] {
  const { type, anyOf, oneOf } = schema
  const own = Array.isArray(type) ? type : [type]
  const nested = [anyOf, oneOf].flatMap((options) => (Array.isArray(options) ? options : []))
  const names = own.filter((name) => typeof name === 'string')
  return [...names, ...nested.flatMap((option) => (isObject(option) ? typesOf(option) : []))]
}

function memberOf(schema: unknown, name: string): Schema {
  const value = isObject(schema) && Object.hasOwn(schema, name) ? schema[name] : undefined
  return isObject(value) ? value : {}
}
