// Says in the generated OpenAPI document that problems are `application/problem+json`. tsoa can say so for the answers of
// one method, but not for the `default` answer of a whole controller. And puts the operations into the order in which people
// look for them: tsoa has that of the file system. Puts numbers right, and takes out what TypeScript says of `Record`.
// Runs after tsoa, before the document is compared.
import { readFile, writeFile } from 'node:fs/promises'
import { openApiFragment } from '@mcp-platform/contract'
import { withPlainNumbers } from './openapi-numbers.ts'

interface Answer {
  content?: Record<string, { schema?: { $ref?: string } }>
}
interface Parameter {
  name: string
  in: string
  description?: string
}
interface Operation {
  tags?: string[]
  security?: object[]
  parameters?: Parameter[]
  responses?: Record<string, Answer>
}
interface OpenApi {
  tags?: readonly { name: string; description: string }[]
  // A path may also have parameters of all its operations.
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Record<string, unknown>> }
}

type PathEntry = [string, Record<string, Operation>]

const TAGS = [
  { name: 'MCP', description: 'Tools, resources and prompts of the servers, as plain REST.' },
  { name: 'Gateway', description: 'How the gateway is, what it does, and why.' },
  { name: 'Registry', description: 'Instances: register, deregister, export, import.' },
  { name: 'Templates', description: 'Settings of templates, weight and state of instances.' },
  { name: 'Identity', description: 'Logins, users, API keys, the audit trail.' },
  { name: 'Health', description: 'For the supervisor of this process.' },
] as const

/** What parameters in paths name; tsoa would want it said at each. */
const NAMES: Readonly<Record<string, string>> = {
  template: 'Name of the template',
  instance_id: 'Id of the instance, unique in its template',
  name: 'Name of the user',
  id: 'Id of the API key',
}

const FILE = new URL('../src/generated/openapi.json', import.meta.url)

const text = await readFile(FILE, 'utf8')
const document: OpenApi = withPlainNumbers(JSON.parse(text))
const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
for (const answer of operations.flatMap(({ responses }) => Object.values(responses ?? {}))) {
  const json = answer.content?.['application/json']
  if (json?.schema?.$ref === '#/components/schemas/Problem') answer.content = { 'application/problem+json': json }
}
for (const { security = [], parameters = [] } of operations) {
  // Whatever takes a token takes an API key in a header of its own.
  if (security.length === 1) security.push({ apiKey: [] })
  for (const parameter of parameters) {
    const description = parameter.in === 'path' ? NAMES[parameter.name] : undefined
    if (description !== undefined) parameter.description ??= description
  }
}
for (const schema of Object.values(document.components.schemas)) {
  if (schema.description === 'Construct a type with a set of properties K of type T') delete schema.description
}
document.tags = TAGS
document.components.schemas = Object.fromEntries(
  Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1)),
)
document.paths = Object.fromEntries(Object.entries(document.paths).sort(inReadingOrder))
await writeFile(FILE, `${JSON.stringify(document, null, 2)}\n`)

function inReadingOrder([a, first]: PathEntry, [b, second]: PathEntry): number {
  return rankOf(first) - rankOf(second) || placeOf(a) - placeOf(b) || (a < b ? -1 : 1)
}

function rankOf(path: Record<string, Operation>): number {
  const tag = Object.values(path).find(({ tags }) => tags !== undefined)?.tags?.[0]
  return TAGS.findIndex(({ name }) => name === tag)
}

// The contract has the MCP operations in the order in which they are needed.
function placeOf(path: string): number {
  return Object.keys(openApiFragment.paths).indexOf(path)
}
