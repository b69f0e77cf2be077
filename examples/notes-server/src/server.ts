import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import { type GetPromptResult, McpError, type ReadResourceResult } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { Note, Notebook } from './notebook.js'
import { registerTools } from './tools.js'

/** JSON-RPC code for a resource that does not exist, as the 2025 revisions spell it. */
const RESOURCE_NOT_FOUND = -32_002

/**
 * Makes an MCP server over a notebook: tools, `notes://` resources and one prompt.
 * Connect it to one transport; clients hear of new notes until it is closed.
 */
export function createNotesServer(notebook: Notebook): McpServer {
  const server = new McpServer(
    { name: 'notes', title: 'Notes', version: '1.0.0' },
    { instructions: 'Keeps short notes in memory. Read them as resources notes://<id>.' },
  )
  registerTools(server, notebook)
  registerResources(server, notebook)
  registerPrompt(server, notebook)
  const stopTelling = notebook.onAdded(() => server.sendResourceListChanged())
  server.server.onclose = stopTelling
  return server
}

function registerResources(server: McpServer, notebook: Notebook): void {
  server.registerResource(
    'all-notes',
    'notes://all',
    { title: 'All notes', mimeType: 'application/json' },
    ({ href }): ReadResourceResult => ({
      contents: [{ uri: href, mimeType: 'application/json', text: JSON.stringify(notebook.list()) }],
    }),
  )
  const template = new ResourceTemplate('notes://{id}', {
    list: () => ({ resources: notebook.list().map(asResource) }),
    complete: { id: (typed) => idsStartingWith(notebook, typed) },
  })
  server.registerResource('note', template, { title: 'One note', mimeType: 'text/plain' }, ({ href }, { id }) => {
    const note = notebook.find(Number(id))
    if (note === undefined) throw new McpError(RESOURCE_NOT_FOUND, 'Resource not found', { uri: href })
    return { contents: [{ uri: href, mimeType: 'text/plain', text: note.text }] }
  })
}

function asResource({ id, title }: Note): { uri: string; name: string; title: string; mimeType: string } {
  return { uri: `notes://${id}`, name: `note-${id}`, title, mimeType: 'text/plain' }
}

function idsStartingWith(notebook: Notebook, typed: string): string[] {
  return notebook
    .list()
    .map(({ id }) => String(id))
    .filter((id) => id.startsWith(typed))
}

function registerPrompt(server: McpServer, notebook: Notebook): void {
  server.registerPrompt(
    'summarize_notes',
    {
      title: 'Summarize notes',
      description: 'Asks for a summary of all notes.',
      argsSchema: { tone: z.string().optional().describe('for example: formal') },
    },
    ({ tone }): GetPromptResult => {
      const lines = notebook.list().map(({ title, text }) => `- ${title}: ${text}`)
      const ask = `Summarize these notes${tone === undefined ? '' : ` in a ${tone} tone`}:\n${lines.join('\n')}`
      return { messages: [{ role: 'user', content: { type: 'text', text: ask } }] }
    },
  )
}
