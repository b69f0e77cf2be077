import type { Count } from './numbers.js'
import type { Problem } from './problem.js'

/** A tool exactly as its server gave it. */
export interface Tool {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly inputSchema?: unknown
  /** The same as `inputSchema`, under the name of the REST form. */
  readonly parameters?: unknown
  readonly outputSchema?: unknown
  readonly annotations?: Record<string, unknown> | undefined
  readonly [member: string]: unknown
}

/** A resource exactly as its server gave it. */
export interface Resource {
  readonly uri: string
  readonly name?: string | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly mimeType?: string | undefined
  readonly [member: string]: unknown
}

/** A resource template exactly as its server gave it. */
export interface ResourceTemplate {
  readonly uriTemplate: string
  readonly name?: string | undefined
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly mimeType?: string | undefined
  readonly [member: string]: unknown
}

/** A prompt exactly as its server gave it. */
export interface Prompt {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly arguments?: readonly PromptArgument[] | undefined
  readonly [member: string]: unknown
}

/** An argument that a prompt takes. */
export interface PromptArgument {
  readonly name: string
  readonly description?: string | undefined
  readonly required?: boolean | undefined
  readonly [member: string]: unknown
}

/** Answer of `GET tools/list`. */
export interface ToolsList {
  readonly tools: readonly Tool[]
  readonly count: Count
}

/** Answer of `GET resources/list`. */
export interface ResourcesList {
  readonly resources: readonly Resource[]
  readonly count: Count
}

/** Answer of `GET resources/templates/list`. */
export interface ResourceTemplatesList {
  readonly resourceTemplates: readonly ResourceTemplate[]
  readonly count: Count
}

/** Answer of `GET prompts/list`. */
export interface PromptsList {
  readonly prompts: readonly Prompt[]
  readonly count: Count
}

/** Body of `POST tools/call`. */
export interface CallRequest {
  readonly name: string
  readonly arguments?: Record<string, unknown> | undefined
}

/** One piece of content of a result, of a type known or not. */
export interface ContentBlock {
  readonly type: string
  readonly [member: string]: unknown
}

/** Answer of `POST tools/call`: the server's result, nothing added, nothing taken away. */
export interface CallResult {
  readonly content?: readonly ContentBlock[] | undefined
  readonly structuredContent?: unknown
  readonly isError?: boolean | undefined
  readonly _meta?: Record<string, unknown> | undefined
  readonly [member: string]: unknown
}

/** Body of `POST resources/read`. */
export interface ReadResourceRequest {
  readonly uri: string
}

/** Content of a resource: `text`, or `blob` in base64. */
export interface ResourceContents {
  readonly uri: string
  readonly mimeType?: string | undefined
  readonly text?: string | undefined
  readonly blob?: string | undefined
  readonly [member: string]: unknown
}

/** Answer of `POST resources/read`. */
export interface ReadResourceResult {
  readonly contents: readonly ResourceContents[]
  readonly [member: string]: unknown
}

/** Body of `POST prompts/get`. */
export interface GetPromptRequest {
  readonly name: string
  readonly arguments?: Record<string, string> | undefined
}

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: string
  readonly content: unknown
  readonly [member: string]: unknown
}

/** Answer of `POST prompts/get`. */
export interface GetPromptResult {
  readonly description?: string | undefined
  readonly messages: readonly PromptMessage[]
  readonly [member: string]: unknown
}

/** Body of `POST completion/complete`, as MCP has it. */
export interface CompleteRequest {
  readonly ref: Record<string, unknown>
  readonly argument: { readonly name: string; readonly value: string }
  readonly context?: Record<string, unknown> | undefined
}

/** Answer of `POST completion/complete`. */
export interface CompleteResult {
  readonly completion: CompletionValues
  readonly [member: string]: unknown
}

/** What may be filled in. */
export interface CompletionValues {
  readonly values: readonly string[]
  readonly total?: number | undefined
  readonly hasMore?: boolean | undefined
}

/** One call of a batch. Without an `id` its position (`"0"`, `"1"`, …) is its id. */
export interface BatchCall {
  readonly id?: string | undefined
  readonly name: string
  readonly arguments?: Record<string, unknown> | undefined
}

/** Body of `POST tools/batch`: 1 to 100 calls. */
export interface BatchRequest {
  readonly calls: readonly BatchCall[]
  readonly concurrency?: number | undefined
}

/** What became of one call of a batch. */
export type BatchItem =
  | { readonly id: string; readonly ok: true; readonly result: CallResult }
  | { readonly id: string; readonly ok: false; readonly error: Problem }

/** Answer of `POST tools/batch`, in the order of the calls. */
export interface BatchResult {
  readonly results: readonly BatchItem[]
}

/**
 * SSE event names of a `tools/call` with `Accept: text/event-stream`.
 * `message` (also an event without a name) is a JSON-RPC notification of the server as it came;
 * then exactly one of `result` (a {@link CallResult}) and `error` (a {@link Problem}) ends the stream.
 */
export const callStreamEvents = {
  notification: 'message',
  result: 'result',
  error: 'error',
} as const

/** A JSON-RPC notification: `notifications/progress`, `notifications/message`, … */
export interface McpNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: Record<string, unknown> | undefined
}
