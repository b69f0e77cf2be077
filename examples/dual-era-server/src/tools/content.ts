import type { CallToolResult, ContentBlock, McpServer } from '@modelcontextprotocol/server'
import { EMPTY_WAV, RED_PIXEL_PNG } from '../media.js'

const image: ContentBlock = { type: 'image', data: RED_PIXEL_PNG, mimeType: 'image/png' }
const embedded: ContentBlock = {
  type: 'resource',
  resource: {
    uri: 'test://embedded-resource',
    mimeType: 'text/plain',
    text: 'This is an embedded resource content.',
  },
}
const mixed: ContentBlock = {
  type: 'resource',
  resource: {
    uri: 'test://mixed-content-resource',
    mimeType: 'application/json',
    text: JSON.stringify({ test: 'data', value: 123 }),
  },
}

const answers: Readonly<Record<string, { description: string; content: readonly ContentBlock[] }>> = {
  test_simple_text: {
    description: 'Answers one text.',
    content: [textBlock('This is a simple text response for testing.')],
  },
  test_image_content: { description: 'Answers one image.', content: [image] },
  test_audio_content: {
    description: 'Answers one audio clip.',
    content: [{ type: 'audio', data: EMPTY_WAV, mimeType: 'audio/wav' }],
  },
  test_embedded_resource: { description: 'Answers one embedded resource.', content: [embedded] },
  test_multiple_content_types: {
    description: 'Answers text, image and resource together.',
    content: [textBlock('Multiple content types test:'), image, mixed],
  },
}

/** Tools that always answer the same, one per kind of content. */
export function registerContentTools(server: McpServer): void {
  for (const [name, { description, content }] of Object.entries(answers)) {
    server.registerTool(name, { description, annotations: { readOnlyHint: true } }, () => ({ content: [...content] }))
  }
}

/** A text as content of a result or message. */
export function textBlock(text: string): { type: 'text'; text: string } {
  return { type: 'text', text }
}

/** A result of one text. */
export function textResult(text: string): CallToolResult {
  return { content: [textBlock(text)] }
}
