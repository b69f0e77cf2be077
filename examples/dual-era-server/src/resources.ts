import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { RED_PIXEL_PNG } from './media.js'

/** The resource that `test_trigger_resource_update` updates. */
export const WATCHED_URI = 'test://watched-resource'

/** Resources of every kind: text, binary, watched, and by template. */
export function registerResources(server: McpServer): void {
  const text = { description: 'A text that never changes.', mimeType: 'text/plain' }
  server.registerResource('static-text', 'test://static-text', text, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }))
  const binary = { description: 'A red pixel.', mimeType: 'image/png' }
  server.registerResource('static-binary', 'test://static-binary', binary, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: RED_PIXEL_PNG }],
  }))
  const watched = { description: 'A resource to subscribe to.', mimeType: 'text/plain' }
  server.registerResource('watched-resource', WATCHED_URI, watched, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: 'Watched resource content' }],
  }))
  const template = new ResourceTemplate('test://template/{id}/data', {
    list: undefined,
    complete: { id: (typed) => ['123', '124', '200'].filter((id) => id.startsWith(typed)) },
  })
  const described = { description: 'Data by id.', mimeType: 'application/json' }
  server.registerResource('template', template, described, ({ href }, { id }) => {
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
    return { contents: [{ uri: href, mimeType: 'application/json', text: data }] }
  })
}
