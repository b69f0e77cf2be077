import { fromJsonSchema, type McpServer } from '@modelcontextprotocol/server'
import { textResult } from './content.js'

/** JSON Schema 2020-12 with everything that a careless proxy loses: anchors, definitions, composition, conditions. */
const fullSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const regionSchema = {
  type: 'object',
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
}

/** Tools whose input schema is the point. */
export function registerSchemaTools(server: McpServer): void {
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema: fromJsonSchema(fullSchema) },
    (input) => textResult(JSON.stringify(input)),
  )
  server.registerTool(
    'test_header_region',
    {
      description: 'Has an argument that is mirrored in Mcp-Param-Region.',
      inputSchema: fromJsonSchema<{ region?: string }>(regionSchema),
    },
    ({ region }) => textResult(`region: ${region ?? 'none'}`),
  )
}
