type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const count: Schema = { type: 'integer', minimum: 0 }
const flag: Schema = { type: 'boolean' }
const anything: Schema = {}
const anyObject: Schema = { type: 'object', additionalProperties: true }

const FILE_ARGUMENTS: Schema = { type: 'object', properties: { path: text }, required: ['path'] }

/** Schemas of the bodies of the MCP operations, OpenAPI 3.0. What MCP defines stays open: unknown members survive. */
export const openApiSchemas: Readonly<Record<string, Schema>> = {
  Tool: {
    ...open({ name: text, title: text, description: text, inputSchema: anything, parameters: anything }, ['name']),
    example: {
      name: 'read_file',
      description: 'Reads a file.',
      inputSchema: FILE_ARGUMENTS,
      parameters: FILE_ARGUMENTS,
    },
  },
  ToolsList: closed({ tools: list(ref('Tool')), count }, ['tools', 'count']),
  CallRequest: {
    ...closed({ name: text, arguments: anyObject }, ['name']),
    example: { name: 'read_file', arguments: { path: '/data/notes.txt' } },
  },
  CallResult: {
    ...open({
      content: list(open({ type: text }, ['type'])),
      structuredContent: anything,
      isError: flag,
      _meta: anyObject,
    }),
    example: { content: [{ type: 'text', text: 'Buy milk.' }] },
  },
  BatchCall: closed({ id: text, name: text, arguments: anyObject }, ['name']),
  BatchRequest: {
    ...closed(
      {
        calls: { type: 'array', minItems: 1, maxItems: 100, items: ref('BatchCall') },
        concurrency: { type: 'integer', minimum: 1 },
      },
      ['calls'],
    ),
    example: {
      calls: [
        { id: 'one', name: 'read_file', arguments: { path: '/data/notes.txt' } },
        { id: 'two', name: 'list_directory', arguments: { path: '/data' } },
      ],
    },
  },
  BatchItem: {
    oneOf: [
      closed({ id: text, ok: { type: 'boolean', enum: [true] }, result: ref('CallResult') }, ['id', 'ok', 'result']),
      closed({ id: text, ok: { type: 'boolean', enum: [false] }, error: ref('Problem') }, ['id', 'ok', 'error']),
    ],
  },
  BatchResult: closed({ results: list(ref('BatchItem')) }, ['results']),
  Resource: open({ uri: text, name: text, title: text, description: text, mimeType: text }, ['uri']),
  ResourcesList: closed({ resources: list(ref('Resource')), count }, ['resources', 'count']),
  ResourceTemplate: open({ uriTemplate: text, name: text, title: text, description: text, mimeType: text }, [
    'uriTemplate',
  ]),
  ResourceTemplatesList: closed({ resourceTemplates: list(ref('ResourceTemplate')), count }, [
    'resourceTemplates',
    'count',
  ]),
  ReadResourceRequest: { ...closed({ uri: text }, ['uri']), example: { uri: 'file:///data/notes.txt' } },
  ReadResourceResult: open(
    { contents: list(open({ uri: text, mimeType: text, text, blob: { type: 'string', format: 'byte' } }, ['uri'])) },
    ['contents'],
  ),
  Prompt: open(
    {
      name: text,
      title: text,
      description: text,
      arguments: list(open({ name: text, description: text, required: flag }, ['name'])),
    },
    ['name'],
  ),
  PromptsList: closed({ prompts: list(ref('Prompt')), count }, ['prompts', 'count']),
  GetPromptRequest: {
    ...closed({ name: text, arguments: { type: 'object', additionalProperties: text } }, ['name']),
    example: { name: 'summarize', arguments: { style: 'short' } },
  },
  GetPromptResult: open(
    { description: text, messages: list(open({ role: text, content: anything }, ['role', 'content'])) },
    ['messages'],
  ),
  CompleteRequest: {
    ...closed(
      { ref: anyObject, argument: closed({ name: text, value: text }, ['name', 'value']), context: anyObject },
      ['ref', 'argument'],
    ),
    example: { ref: { type: 'ref/prompt', name: 'summarize' }, argument: { name: 'style', value: 'sh' } },
  },
  CompleteResult: open({ completion: open({ values: list(text), total: count, hasMore: flag }, ['values']) }, [
    'completion',
  ]),
  TemplateHealth: closed(
    {
      template_name: text,
      status: { type: 'string', enum: ['healthy', 'degraded', 'unhealthy', 'empty'] },
      total_instances: count,
      healthy_instances: count,
      health_percentage: { type: 'number', minimum: 0, maximum: 100 },
      catalogue_differs: flag,
      instances: { type: 'object', additionalProperties: ref('InstanceHealth') },
    },
    [
      'template_name',
      'status',
      'total_instances',
      'healthy_instances',
      'health_percentage',
      'catalogue_differs',
      'instances',
    ],
  ),
  InstanceHealth: closed(
    {
      healthy: flag,
      status: text,
      reason: text,
      transport: text,
      endpoint: text,
      score: { type: 'integer', minimum: 0, maximum: 100 },
      consecutive_failures: count,
      last_health_check: { type: 'string', format: 'date-time', nullable: true },
      circuit: { type: 'string', enum: ['closed', 'open', 'half_open'] },
    },
    ['healthy', 'status', 'transport', 'score', 'consecutive_failures', 'last_health_check', 'circuit'],
  ),
  Problem: {
    ...open(
      {
        type: text,
        title: text,
        status: { type: 'integer' },
        detail: text,
        code: text,
        request_id: text,
        template: text,
        instance_id: text,
        source: text,
        retry_after_seconds: { type: 'number' },
        executed: { type: 'string', enum: ['no', 'unknown'] },
        attempts: count,
        retryable: flag,
        errors: list(closed({ path: text, message: text }, ['path', 'message'])),
        upstream: closed({ code: { type: 'integer' }, message: text, data: anything }, ['code', 'message']),
      },
      ['type', 'title', 'status', 'detail', 'code', 'request_id'],
    ),
    example: {
      type: 'about:blank',
      title: 'Unknown template',
      status: 404,
      detail: 'there is no template "nope"',
      code: 'TEMPLATE_NOT_FOUND',
      request_id: '74e4fccd-2b66-4a04-b9be-bae9b80e1729',
      template: 'nope',
    },
  },
}

function open(properties: Schema, required: readonly string[] = []): Schema {
  return { ...shape(properties, required), additionalProperties: true }
}

function closed(properties: Schema, required: readonly string[]): Schema {
  return { ...shape(properties, required), additionalProperties: false }
}

function shape(properties: Schema, required: readonly string[]): Schema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}
