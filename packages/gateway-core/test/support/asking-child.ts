/*
 * A legacy server that counts: each run of its tool `work` adds a line to a file. It asks its client one question, either
 * of itself (`open`: once the session is open, in no connection with a call) or in the middle of the call and waits for
 * the answer (`call`). The tool reports progress 1, 2, 3 and says how the question was answered, if it knows. Run it:
 *   node asking-child.ts FILE elicitation|sampling|roots open|call stdio|http
 * Over HTTP it prints its port.
 */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListRootsResultSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

const [, , file = '', question = '', moment = '', transport = ''] = process.argv
const STEP_MS = 40

const QUESTIONS = {
  elicitation: [
    {
      method: 'elicitation/create' as const,
      params: { mode: 'form' as const, message: 'who?', requestedSchema: { type: 'object' as const, properties: {} } },
    },
    ElicitResultSchema,
  ],
  sampling: [
    { method: 'sampling/createMessage' as const, params: { messages: [], maxTokens: 1 } },
    CreateMessageResultSchema,
  ],
  roots: [{ method: 'roots/list' as const, params: {} }, ListRootsResultSchema],
} as const
const [request, schema] = QUESTIONS[question as keyof typeof QUESTIONS]

/** One session: a server of its own, told by `asksNow` when it may ask of itself. */
function session(asksNow: Promise<void>): Server {
  const server = new Server({ name: 'asking', version: '1' }, { capabilities: { tools: {} } })
  let answer = 'none yet'
  let isAsked = false
  const said = (result: unknown): void => {
    answer = JSON.stringify(result)
    appendFileSync(file, `answered ${answer}\n`)
  }
  if (moment === 'open') {
    void asksNow.then(() => {
      isAsked = true
      return server.request(request, schema).then(said, (error) => said(String(error)))
    })
  }
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [{ name: 'work', inputSchema: { type: 'object' as const } }],
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    appendFileSync(file, `run ${params.arguments?.['key']}\n`)
    while (moment === 'open' && !isAsked) await delay(5)
    const progressToken = params._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      await delay(STEP_MS)
      if (progressToken === undefined) continue
      await extra.sendNotification({ method: 'notifications/progress', params: { progress, progressToken } })
      if (moment === 'call' && progress === 1) said(await extra.sendRequest(request, schema))
    }
    return { content: [{ type: 'text', text: answer }] }
  })
  return server
}

async function overStdio(): Promise<void> {
  const opened = Promise.withResolvers<void>()
  const server = session(opened.promise)
  server.oninitialized = () => opened.resolve()
  await server.connect(new StdioServerTransport())
}

function overHttp(): void {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const streams = new Map<StreamableHTTPServerTransport, () => void>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const one = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, one),
    })
    const streaming = Promise.withResolvers<void>()
    streams.set(one, streaming.resolve)
    // The SDK's own transport does not fit its interface under exactOptionalPropertyTypes.
    await session(streaming.promise).connect(one as Parameters<Server['connect']>[0])
    return one
  }
  const server = createServer(async (incoming, outgoing) => {
    const one = sessions.get(String(incoming.headers['mcp-session-id'])) ?? (await open())
    const handled = one.handleRequest(incoming, outgoing)
    // What it asks of itself goes over the session's own stream, and is lost before there is one.
    while (incoming.method === 'GET' && !outgoing.headersSent) await delay(5)
    if (incoming.method === 'GET') streams.get(one)?.()
    await handled
  })
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify(server.address())}\n`))
}

if (transport === 'http') overHttp()
else await overStdio()
