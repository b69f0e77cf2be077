import {
  type CallToolResult,
  type InputRequest,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { textResult } from './content.js'

type Asked = CallToolResult | InputRequiredResult

/**
 * Tools that ask the client back. They are written once, as multi-round-trip handlers; for a legacy client the SDK turns each
 * input request into a real request on its stream.
 */
export function registerAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the client’s model.', inputSchema: z.object({ prompt: z.string() }) },
    ({ prompt }, context) => sample(prompt, context),
  )
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the user for name and address.', inputSchema: z.object({ message: z.string() }) },
    ({ message }, context) => elicit(context, 'User response', message, userProperties, ['username', 'email']),
  )
  server.registerTool('test_elicitation_sep1034_defaults', { description: 'Asks with default values.' }, (context) =>
    elicit(context, 'Elicitation completed', 'Please check these values', defaultProperties),
  )
  server.registerTool('test_elicitation_sep1330_enums', { description: 'Asks with every kind of choice.' }, (context) =>
    elicit(context, 'Elicitation completed', 'Please choose', enumProperties),
  )
  server.registerTool('test_list_roots', { description: 'Asks the client for its roots.' }, listRoots)
}

function sample(prompt: string, { mcpReq }: ServerContext): Asked {
  const answer = inputResponse(mcpReq.inputResponses, 'sample')
  if (answer.kind === 'sampling') return textResult(`LLM response: ${textOf(answer.result.content)}`)
  return ask('sample', inputRequired.createMessage({ messages: [userMessage(prompt)], maxTokens: 100 }))
}

type ElicitForm = Extract<Parameters<typeof inputRequired.elicit>[0]['requestedSchema'], { type: 'object' }>

function elicit(
  { mcpReq }: ServerContext,
  label: string,
  message: string,
  properties: ElicitForm['properties'],
  required: readonly string[] = [],
): Asked {
  const answer = inputResponse(mcpReq.inputResponses, 'form')
  if (answer.kind === 'elicit') {
    return textResult(`${label}: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)
  }
  const requestedSchema = { type: 'object' as const, properties, required: [...required] }
  return ask('form', inputRequired.elicit({ message, requestedSchema }))
}

function listRoots({ mcpReq }: ServerContext): Asked {
  const answer = inputResponse(mcpReq.inputResponses, 'roots')
  if (answer.kind === 'roots') return textResult(`roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`)
  return ask('roots', inputRequired.listRoots())
}

function ask(key: string, request: InputRequest): InputRequiredResult {
  return inputRequired({ inputRequests: { [key]: request } })
}

/** A message of the user, for sampling. */
export function userMessage(text: string): { role: 'user'; content: { type: 'text'; text: string } } {
  return { role: 'user', content: { type: 'text', text } }
}

/** The text of a sampling result's content, which is one block or several. */
export function textOf(content: unknown): string {
  const blocks = Array.isArray(content) ? content : [content]
  return blocks.map((block) => (typeof block?.text === 'string' ? block.text : '')).join('')
}

const userProperties: ElicitForm['properties'] = {
  username: { type: 'string', description: "User's response" },
  email: { type: 'string', description: "User's email address" },
}

const defaultProperties: ElicitForm['properties'] = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}

const enumProperties: ElicitForm['properties'] = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: {
    type: 'string',
    oneOf: [
      { const: 'value1', title: 'First Option' },
      { const: 'value2', title: 'Second Option' },
      { const: 'value3', title: 'Third Option' },
    ],
  },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: {
    type: 'array',
    items: {
      anyOf: [
        { const: 'value1', title: 'First Choice' },
        { const: 'value2', title: 'Second Choice' },
        { const: 'value3', title: 'Third Choice' },
      ],
    },
  },
}
