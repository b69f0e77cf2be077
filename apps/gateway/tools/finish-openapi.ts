// Says in the generated OpenAPI document that problems are `application/problem+json`. tsoa can say so for the answers of
// one method, but not for the `default` answer of a whole controller. Runs after tsoa, before the document is compared.
import { readFile, writeFile } from 'node:fs/promises'

interface Answer {
  content?: Record<string, { schema?: { $ref?: string } }>
}
interface OpenApi {
  // A path may also have parameters of all its operations.
  paths: Record<string, Record<string, { responses?: Record<string, Answer> }>>
}

const FILE = new URL('../src/generated/openapi.json', import.meta.url)

const document: OpenApi = JSON.parse(await readFile(FILE, 'utf8'))
const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
for (const answer of operations.flatMap(({ responses }) => Object.values(responses ?? {}))) {
  const json = answer.content?.['application/json']
  if (json?.schema?.$ref === '#/components/schemas/Problem') answer.content = { 'application/problem+json': json }
}
await writeFile(FILE, `${JSON.stringify(document, null, 2)}\n`)
