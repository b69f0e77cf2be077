import { type CallResult, callStreamEvents, type McpNotification } from '@mcp-platform/contract'
import { problemError } from './answer.js'
import type { OpenAnswer } from './connection.js'
import { BadAnswerError } from './errors.js'
import { readEvents } from './event-source.js'

/** Progress of a tool call, as MCP has it. */
export interface Progress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
  readonly [member: string]: unknown
}

/** Who listens while a tool runs. Called synchronously; what they throw ends the call. */
export interface CallListeners {
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Every notification of the server as it came: progress, log messages, others. */
  readonly onNotification?: ((notification: McpNotification) => void) | undefined
}

/** Follows the event stream of a tool call to its result. @throws what the call failed with */
export async function followCall(answer: OpenAnswer, listeners: CallListeners, maxBytes: number): Promise<CallResult> {
  const { status } = answer
  for await (const { event, data } of readEvents(answer, maxBytes)) {
    const value = parseEvent(data, status)
    if (event === callStreamEvents.result) return value as CallResult
    if (event === callStreamEvents.error) throw problemError(value, status)
    if (isNotification(value)) tell(value, listeners)
  }
  throw new BadAnswerError({ status, detail: 'the event stream ended without a result' })
}

function tell(notification: McpNotification, { onProgress, onNotification }: CallListeners): void {
  onNotification?.(notification)
  const { method, params } = notification
  if (method === 'notifications/progress' && isProgress(params)) onProgress?.(params)
}

function parseEvent(data: string, status: number): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new BadAnswerError({ status, detail: 'an event that is not JSON', cause })
  }
}

function isNotification(value: unknown): value is McpNotification {
  return typeof value === 'object' && value !== null && 'method' in value && typeof value.method === 'string'
}

function isProgress(params: McpNotification['params']): params is Record<string, unknown> & Progress {
  return typeof params?.['progress'] === 'number'
}
