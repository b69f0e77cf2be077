import { setTimeout as sleep } from 'node:timers/promises'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { Note, Notebook } from './notebook.js'

const noteShape = { id: z.number().int(), title: z.string(), text: z.string() }
const notesShape = { notes: z.array(z.object(noteShape)), count: z.number().int() }

/** Registers the five tools. */
export function registerTools(server: McpServer, notebook: Notebook): void {
  registerNoteTools(server, notebook)
  registerWordCount(server)
  registerSlowCount(server)
}

function registerNoteTools(server: McpServer, notebook: Notebook): void {
  server.registerTool(
    'add_note',
    {
      title: 'Add a note',
      description: 'Keeps a note until the server ends.',
      inputSchema: { title: z.string().min(1).max(200), text: z.string().max(100_000) },
      outputSchema: noteShape,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    ({ title, text }) => structured({ ...notebook.add(title, text) }),
  )
  server.registerTool(
    'list_notes',
    { title: 'List notes', description: 'All notes, oldest first.', outputSchema: notesShape, annotations: READ_ONLY },
    () => structured(listing(notebook.list())),
  )
  server.registerTool(
    'search_notes',
    {
      title: 'Search notes',
      description: 'Notes whose title or text holds these words, whatever their case.',
      inputSchema: { words: z.string().min(1) },
      outputSchema: notesShape,
      annotations: READ_ONLY,
    },
    ({ words }) => structured(listing(notebook.search(words))),
  )
}

function registerWordCount(server: McpServer): void {
  server.registerTool(
    'word_count',
    {
      title: 'Count words',
      description: 'Counts the words, characters and lines of a text.',
      inputSchema: { text: z.string() },
      outputSchema: { words: z.number().int(), characters: z.number().int(), lines: z.number().int() },
      annotations: READ_ONLY,
    },
    ({ text }) => structured(countOf(text)),
  )
}

function registerSlowCount(server: McpServer): void {
  server.registerTool(
    'slow_count',
    {
      title: 'Count slowly',
      description: 'Counts to a number and reports each step as progress.',
      inputSchema: {
        to: z.number().int().min(1).max(100).default(5),
        step_ms: z.number().int().min(0).max(10_000).default(100),
      },
      annotations: READ_ONLY,
    },
    async ({ to, step_ms }, { signal, sendNotification, _meta }) => {
      for (let progress = 1; progress <= to; progress += 1) {
        await sleep(step_ms, undefined, { signal })
        if (_meta?.progressToken === undefined) continue
        const params = { progressToken: _meta.progressToken, progress, total: to, message: `${progress} of ${to}` }
        await sendNotification({ method: 'notifications/progress', params })
      }
      return { content: [{ type: 'text', text: `counted to ${to}` }] }
    },
  )
}

const READ_ONLY = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const

function structured(structuredContent: Record<string, unknown>): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent }
}

function listing(notes: readonly Note[]): Record<string, unknown> {
  return { notes, count: notes.length }
}

function countOf(text: string): { words: number; characters: number; lines: number } {
  return {
    words: text.match(/\S+/g)?.length ?? 0,
    characters: [...text].length,
    lines: text === '' ? 0 : text.split('\n').length,
  }
}
