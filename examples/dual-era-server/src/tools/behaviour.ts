import { setTimeout as sleep } from 'node:timers/promises'
import { inputRequired, type McpServer, type ServerContext } from '@modelcontextprotocol/server'
import type { Change, Changes } from '../changes.js'
import { WATCHED_URI } from '../resources.js'
import { textResult } from './content.js'

/** The pause between two notifications, as the conformance suite asks for it. */
const STEP_MS = 50

/** Tools that do something besides answering: log, report progress, fail, close their stream, change a list. */
export function registerBehaviourTools(server: McpServer, changes: Changes): void {
  server.registerTool('test_tool_with_logging', { description: 'Logs three messages.' }, logThrice)
  server.registerTool('test_logging_tool', { description: 'Logs one message.' }, async ({ mcpReq }) => {
    await mcpReq.log('info', 'A message from test_logging_tool')
    return textResult('logged')
  })
  server.registerTool('test_tool_with_progress', { description: 'Reports progress 0, 50, 100.' }, reportProgress)
  server.registerTool('test_error_handling', { description: 'Always fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool('test_reconnection', { description: 'Closes its stream before it answers.' }, closeAndAnswer)
  server.registerTool('test_missing_capability', { description: 'Needs the sampling capability.' }, needSampling)
  server.registerTool(
    'test_streaming_elicitation',
    { description: 'Reports progress, then asks the user.' },
    streamAndAsk,
  )
  registerTriggers(server, changes)
}

async function logThrice({ mcpReq }: ServerContext): ReturnType<typeof reportProgress> {
  await mcpReq.log('info', 'Tool execution started')
  await sleep(STEP_MS)
  await mcpReq.log('info', 'Tool processing data')
  await sleep(STEP_MS)
  await mcpReq.log('info', 'Tool execution completed')
  return textResult('Tool with logging executed successfully')
}

async function reportProgress(context: ServerContext): Promise<ReturnType<typeof textResult>> {
  for (const progress of [0, 50, 100]) {
    await notifyProgress(context, progress)
    // After the last one too: the SDK's client drops progress that it reads together with the answer.
    await sleep(STEP_MS)
  }
  return textResult('Tool with progress executed successfully')
}

async function notifyProgress({ mcpReq }: ServerContext, progress: number): Promise<void> {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return
  await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
}

/** A client of 2025-11-25 comes back with Last-Event-ID and finds the answer; elsewhere there is no stream to close. */
async function closeAndAnswer({ http }: ServerContext): Promise<ReturnType<typeof textResult>> {
  http?.closeSSE?.()
  await sleep(2 * STEP_MS)
  return textResult('Reconnection test completed successfully')
}

function needSampling({ mcpReq }: ServerContext): ReturnType<typeof inputRequired> | ReturnType<typeof textResult> {
  if (mcpReq.inputResponses !== undefined) return textResult('the client can sample')
  const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'Say anything.' } }]
  return inputRequired({ inputRequests: { sample: inputRequired.createMessage({ messages, maxTokens: 10 }) } })
}

async function streamAndAsk(
  context: ServerContext,
): Promise<ReturnType<typeof inputRequired> | ReturnType<typeof textResult>> {
  if (context.mcpReq.inputResponses !== undefined) return textResult('answered')
  await notifyProgress(context, 50)
  const requestedSchema = { type: 'object' as const, properties: { ok: { type: 'boolean' as const } } }
  return inputRequired({ inputRequests: { ok: inputRequired.elicit({ message: 'Go on?', requestedSchema }) } })
}

function registerTriggers(server: McpServer, changes: Changes): void {
  const triggers: Readonly<Record<string, Change>> = {
    test_trigger_tool_change: { kind: 'tools' },
    test_trigger_prompt_change: { kind: 'prompts' },
    test_trigger_resource_change: { kind: 'resources' },
    test_trigger_resource_update: { kind: 'resource', uri: WATCHED_URI },
  }
  for (const [name, change] of Object.entries(triggers)) {
    server.registerTool(name, { description: `Announces a change: ${change.kind}.` }, () => {
      changes.announce(change)
      return textResult('announced')
    })
  }
}
