import { openApiSchemas } from './openapi-schemas.js'

/** A part of an OpenAPI 3.0 document. */
export interface OpenApiFragment {
  readonly paths: Readonly<Record<string, unknown>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

type Json = Readonly<Record<string, unknown>>

interface Operation {
  readonly id: string
  readonly summary: string
  readonly answer: string
  readonly body?: string | undefined
  readonly faults?: readonly number[] | undefined
  readonly parameters?: readonly Json[] | undefined
  /** Also answered as server-sent events. */
  readonly stream?: boolean | undefined
}

const TEMPLATE: Json = {
  name: 'template',
  in: 'path',
  required: true,
  description: 'Name of the template',
  schema: { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9.-]|_(?!_)){0,31}$' },
}
const TIMEOUT = header('Request-Timeout', 'Seconds; may only shorten the deadline', { type: 'number', minimum: 0 })
const FAULTS: Readonly<Record<number, string>> = {
  400: 'Malformed',
  401: 'No or a bad credential',
  403: 'Not allowed',
  404: 'Unknown template or tool',
  413: 'The body is too large',
  415: 'Wrong content type or encoding',
  422: 'Well-formed but not valid',
  429: 'Limited',
  502: 'The server misbehaved',
  503: 'Nothing available or overloaded',
  504: 'The server was too slow',
}
const READ_FAULTS = [401, 403, 404, 429, 502, 503, 504]
const BODY_FAULTS = [400, 401, 403, 404, 413, 415, 422, 429, 502, 503, 504]

/**
 * The MCP operations under `/mcp/{template}/…` as OpenAPI 3.0. They never enter Express, so tsoa cannot see them:
 * its `spec` option merges this into the document.
 */
export const openApiFragment: OpenApiFragment = {
  paths: {
    '/mcp/{template}/tools/list': get({ id: 'listTools', summary: 'Tools of a template', answer: 'ToolsList' }),
    '/mcp/{template}/tools/call': post({
      id: 'callTool',
      summary: 'Call a tool; the answer is the result of the server, verbatim',
      body: 'CallRequest',
      answer: 'CallResult',
      stream: true,
    }),
    '/mcp/{template}/tools/batch': post({
      id: 'callTools',
      summary: 'Up to 100 calls at once; one that fails, fails alone',
      body: 'BatchRequest',
      answer: 'BatchResult',
    }),
    '/mcp/{template}/resources/list': get({ id: 'listResources', summary: 'Resources', answer: 'ResourcesList' }),
    '/mcp/{template}/resources/templates/list': get({
      id: 'listResourceTemplates',
      summary: 'Resource templates',
      answer: 'ResourceTemplatesList',
    }),
    '/mcp/{template}/resources/read': post({
      id: 'readResource',
      summary: 'Content of a resource',
      body: 'ReadResourceRequest',
      answer: 'ReadResourceResult',
    }),
    '/mcp/{template}/prompts/list': get({ id: 'listPrompts', summary: 'Prompts', answer: 'PromptsList' }),
    '/mcp/{template}/prompts/get': post({
      id: 'getPrompt',
      summary: 'A prompt filled in',
      body: 'GetPromptRequest',
      answer: 'GetPromptResult',
    }),
    '/mcp/{template}/completion/complete': post({
      id: 'complete',
      summary: 'Completions of an argument',
      body: 'CompleteRequest',
      answer: 'CompleteResult',
    }),
    '/mcp/{template}/health': get({
      id: 'templateHealth',
      summary: 'Health of the instances; starts no probe',
      answer: 'TemplateHealth',
      faults: [401, 403, 404],
    }),
  },
  components: { schemas: openApiSchemas },
}

function get(operation: Operation): Json {
  return { parameters: [TEMPLATE], get: describe({ faults: READ_FAULTS, ...operation }) }
}

function post(operation: Operation): Json {
  return { parameters: [TEMPLATE], post: describe({ faults: BODY_FAULTS, parameters: [TIMEOUT], ...operation }) }
}

function describe(operation: Operation): Json {
  const { id, summary, parameters, body } = operation
  return {
    operationId: id,
    summary,
    tags: ['MCP'],
    security: [{}, { gateway: [] }, { apiKey: [] }],
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body) } }),
    responses: responses(operation),
  }
}

function responses({ answer, stream, faults = [] }: Operation): Json {
  const content =
    stream === true ? { ...json(answer), 'text/event-stream': { schema: { type: 'string' } } } : json(answer)
  const failed = faults.map((status) => [String(status), problem(FAULTS[status] ?? 'Failed')])
  return { '200': { description: 'Done', content }, ...Object.fromEntries(failed) }
}

function problem(description: string): Json {
  return { description, content: { 'application/problem+json': { schema: ref('Problem') } } }
}

function json(schema: string): Json {
  return { 'application/json': { schema: ref(schema) } }
}

function ref(schema: string): Json {
  return { $ref: `#/components/schemas/${schema}` }
}

function header(name: string, description: string, schema: Json): Json {
  return { name, in: 'header', required: false, description, schema }
}
