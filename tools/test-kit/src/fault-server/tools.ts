/** A JSON object of the wire. */
export type JsonObject = Readonly<Record<string, unknown>>

/** What a tool or a method answers. `rawResult` goes out byte for byte as the value of `result`. */
export type Outcome =
  | { readonly result: JsonObject }
  | { readonly rawResult: string }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }

/** What a running tool can do besides answering. */
export interface ToolContext {
  /** Sends a notification before the answer; the answer becomes an event stream. */
  notify(method: string, params: JsonObject): void
  /** `_meta` of the request. */
  readonly meta: JsonObject
  /** Fires when the caller hangs up or the server stops. */
  readonly signal: AbortSignal
}

/** A tool of the fault server. */
export interface FaultTool {
  /** Listed exactly as it is: put annotations, schemas and unknown fields here. */
  readonly definition: JsonObject & { readonly name: string }
  run(args: JsonObject, context: ToolContext): Outcome | Promise<Outcome>
}

const anyObject = { type: 'object', additionalProperties: true }

/** Answers its arguments, as text and as structured content. */
export const echoTool: FaultTool = {
  definition: { name: 'echo', description: 'Answers its arguments.', inputSchema: anyObject },
  run: (args) => ({ result: { content: [{ type: 'text', text: JSON.stringify(args) }], structuredContent: args } }),
}

/** As {@link echoTool}, announced as read-only and idempotent. */
export const readOnlyEchoTool: FaultTool = {
  definition: {
    ...echoTool.definition,
    name: 'read_only_echo',
    annotations: { readOnlyHint: true, idempotentHint: true },
  },
  run: echoTool.run,
}

/** Answers after `arguments.ms` milliseconds. */
export const slowTool: FaultTool = {
  definition: { name: 'slow', description: 'Answers after some milliseconds.', inputSchema: anyObject },
  run: async (args, { signal }) => {
    await pause(Number(args['ms'] ?? 100), signal)
    return { result: { content: [{ type: 'text', text: 'done' }] } }
  },
}

/** Sends `arguments.steps` progress notifications, then answers. */
export const progressTool: FaultTool = {
  definition: { name: 'progress', description: 'Reports progress.', inputSchema: anyObject },
  run: (args, { meta, notify }) => {
    const total = Number(args['steps'] ?? 3)
    for (let progress = 1; progress <= total; progress += 1) {
      notify('notifications/progress', { progressToken: meta['progressToken'], progress, total })
    }
    return { result: { content: [{ type: 'text', text: `${total} steps` }] } }
  },
}

/** Answers a text of `arguments.bytes` bytes. */
export const bigTool: FaultTool = {
  definition: { name: 'big', description: 'Answers many bytes.', inputSchema: anyObject },
  run: (args) => ({ result: { content: [{ type: 'text', text: 'x'.repeat(Number(args['bytes'] ?? 1024)) }] } }),
}

/** Answers `isError: true`. */
export const failingTool: FaultTool = {
  definition: { name: 'fail', description: 'Always fails.', inputSchema: anyObject },
  run: () => ({ result: { content: [{ type: 'text', text: 'it failed' }], isError: true } }),
}

/** What a fault server serves unless told otherwise. */
export const defaultTools: readonly FaultTool[] = [
  echoTool,
  readOnlyEchoTool,
  slowTool,
  progressTool,
  bigTool,
  failingTool,
]

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
