import { acceptedContent, completable, inputRequired, type McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { RED_PIXEL_PNG } from './media.js'
import { userMessage } from './tools/asking.js'
import { askForm } from './tools/input-required.js'

const CITIES = ['paris', 'park', 'party']
const contextSchema = z.object({ context: z.string() })

/** The prompts of the suite. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments.' }, () => ({
    messages: [userMessage('This is a simple prompt for testing.')],
  }))
  registerPromptsWithArguments(server)
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image.' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: RED_PIXEL_PNG, mimeType: 'image/png' } },
      userMessage('Please analyze the image above.'),
    ],
  }))
  const asking = { description: 'A prompt that asks the user first.' }
  server.registerPrompt('test_input_required_result_prompt', asking, ({ mcpReq }) => {
    const accepted = acceptedContent(mcpReq.inputResponses, 'user_context', contextSchema)
    if (accepted !== undefined) return { messages: [userMessage(`Work with this context: ${accepted.context}`)] }
    const question = askForm('What context should the prompt use?', { context: { type: 'string' } })
    return inputRequired({ inputRequests: { user_context: question } })
  })
}

function registerPromptsWithArguments(server: McpServer): void {
  const first = completable(z.string().describe('First test argument'), (typed) =>
    CITIES.filter((city) => city.startsWith(typed)),
  )
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two arguments.',
      argsSchema: z.object({ arg1: first, arg2: z.string().describe('Second test argument') }),
    },
    ({ arg1, arg2 }) => ({ messages: [userMessage(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt with a resource inside.',
      argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    },
    ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' }
      return {
        messages: [
          { role: 'user', content: { type: 'resource', resource } },
          userMessage('Please process the embedded resource above.'),
        ],
      }
    },
  )
}
