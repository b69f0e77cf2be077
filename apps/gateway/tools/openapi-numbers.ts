// Numbers as readers of the OpenAPI document need them. The contract has types of its own for whole numbers, which tsoa makes
// schemas of their own: here they are put in place as `integer`. And `double` goes: JSON has one kind of number, and all that
// the format does is to make every sample a 0.1.

type Json = Readonly<Record<string, unknown>>

/** Number types of the contract. */
const WHOLE = ['Count', 'Integer'] as const

/** A copy of the document in which numbers are plain. */
export function withPlainNumbers<T extends { readonly components: { readonly schemas: object } }>(document: T): T {
  const all = Object.entries(document.components.schemas)
  const aliases = new Map(
    all.filter(([name]) => WHOLE.some((one) => one === name)).map(([name, alias]) => [ref(name), bare(alias)]),
  )
  const schemas = Object.fromEntries(all.filter(([name]) => !aliases.has(ref(name))))
  const copy = { ...document, components: { ...document.components, schemas } }
  return JSON.parse(JSON.stringify(copy), (_, value: unknown) => (isObject(value) ? plain(value, aliases) : value))
}

// From the inside out: what is in `allOf` (tsoa's way to say that a type may be null) is in place already.
function plain(value: Json, aliases: ReadonlyMap<unknown, Json>): Json {
  const { $ref, allOf, format, ...rest } = value
  const alias = aliases.get($ref) ?? onlyInteger(allOf)
  if (alias !== undefined) return { ...alias, ...rest }
  const { type, enum: choices } = value
  if (type !== 'number' && type !== 'integer') return value
  return isWhole(choices) ? { ...rest, type: 'integer' } : rest
}

function onlyInteger(allOf: unknown): Json | undefined {
  const [only, ...more]: unknown[] = Array.isArray(allOf) ? allOf : []
  return more.length === 0 && isObject(only) && only['type'] === 'integer' ? only : undefined
}

function isWhole(choices: unknown): boolean {
  return Array.isArray(choices) && choices.every((choice) => Number.isInteger(choice))
}

// Where it is used, what it counts is said there.
function bare({ description: _description, format: _format, ...rest }: Json): Json {
  return rest
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ref(name: string): string {
  return `#/components/schemas/${name}`
}
