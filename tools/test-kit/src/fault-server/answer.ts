import { LEGACY_VERSIONS, MODERN_VERSION, type RpcMessage, VERSION_KEY } from './message.js'
import type { FaultTool, JsonObject, Outcome, ToolContext } from './tools.js'

/** One HTTP answer before any fault is applied. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty for a 202. */
  readonly body: string
}

/** Handlers for methods beyond the built-in ones, by method name. */
export type Methods = Readonly<Record<string, (params: JsonObject) => Outcome | Promise<Outcome>>>

/** What a server answers with. */
export interface Repertoire {
  readonly tools: readonly FaultTool[]
  readonly methods: Methods
  readonly capabilities: JsonObject
}

const SERVER_INFO = { name: 'fault-server', version: '1.0.0' }
const CACHEABLE = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** The JSON text of an answer with this id. */
export function rpcText(id: string | number | null, outcome: Outcome): string {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`
  if ('rawResult' in outcome) return `${head}"result":${outcome.rawResult}}`
  if ('error' in outcome) return `${head}"error":${JSON.stringify(outcome.error)}}`
  return `${head}"result":${JSON.stringify(outcome.result)}}`
}

/** A JSON-RPC error as an HTTP answer. */
export function rpcError(
  id: string | number | null | undefined,
  status: number,
  error: { code: number; message: string; data?: unknown },
): Answer {
  return { status, headers: {}, body: rpcText(id ?? null, { error }) }
}

/** Answers a request of the legacy era, but for sessions. */
export async function legacyOutcome(
  message: RpcMessage,
  repertoire: Repertoire,
  context: ToolContext,
): Promise<Outcome> {
  if (message.method === 'initialize') return { result: initializeResult(message, repertoire) }
  if (message.method === 'ping') return { result: {} }
  return commonOutcome(message, repertoire, context)
}

/** Answers a request of the modern era whose envelope was found valid. */
export async function modernOutcome(
  message: RpcMessage,
  repertoire: Repertoire,
  context: ToolContext,
): Promise<Outcome> {
  const outcome =
    message.method === 'server/discover'
      ? { result: discoverResult(repertoire) }
      : await commonOutcome(message, repertoire, context)
  if (!('result' in outcome)) return outcome
  const caching = CACHEABLE.has(message.method ?? '') ? { ttlMs: 0, cacheScope: 'private' } : {}
  return { result: { resultType: 'complete', ...caching, ...outcome.result } }
}

/** The first fault of a modern request's envelope, as the specification orders it; undefined if it is valid. */
export function modernEnvelopeError(message: RpcMessage, headers: NodeJS.Dict<string | string[]>): Answer | undefined {
  const version = message.meta[VERSION_KEY]
  const mismatch = (what: string): Answer =>
    rpcError(message.id, 400, { code: -32020, message: `HeaderMismatch: ${what}` })
  if (headers['mcp-protocol-version'] !== version) return mismatch('MCP-Protocol-Version')
  if (version !== MODERN_VERSION) {
    const data = { supported: [MODERN_VERSION], requested: version }
    return rpcError(message.id, 400, { code: -32022, message: 'Unsupported protocol version', data })
  }
  if (message.meta['io.modelcontextprotocol/clientCapabilities'] === undefined) {
    return rpcError(message.id, 400, { code: -32602, message: 'clientCapabilities is missing in _meta' })
  }
  if (headers['mcp-method'] !== message.method) return mismatch('Mcp-Method')
  const name = namedTarget(message)
  if (name !== undefined && headers['mcp-name'] !== name) return mismatch('Mcp-Name')
  return undefined
}

function namedTarget({ method, params }: RpcMessage): unknown {
  if (method === 'tools/call' || method === 'prompts/get') return params['name']
  return method === 'resources/read' ? params['uri'] : undefined
}

async function commonOutcome(message: RpcMessage, repertoire: Repertoire, context: ToolContext): Promise<Outcome> {
  const custom = repertoire.methods[message.method ?? '']
  if (custom !== undefined) return custom(message.params)
  if (message.method === 'tools/list') return { result: { tools: repertoire.tools.map((tool) => tool.definition) } }
  if (message.method === 'tools/call') return callTool(message, repertoire, context)
  return { error: { code: -32601, message: `Method not found: ${message.method}` } }
}

async function callTool(message: RpcMessage, { tools }: Repertoire, context: ToolContext): Promise<Outcome> {
  const tool = tools.find(({ definition }) => definition.name === message.params['name'])
  if (tool === undefined) return { error: { code: -32602, message: `Unknown tool: ${message.params['name']}` } }
  const args = message.params['arguments']
  return tool.run(typeof args === 'object' && args !== null ? { ...args } : {}, context)
}

function initializeResult(message: RpcMessage, { capabilities }: Repertoire): JsonObject {
  const asked = message.params['protocolVersion']
  const protocolVersion = typeof asked === 'string' && LEGACY_VERSIONS.includes(asked) ? asked : LEGACY_VERSIONS[0]
  return { protocolVersion, capabilities, serverInfo: SERVER_INFO }
}

function discoverResult({ capabilities }: Repertoire): JsonObject {
  return {
    supportedVersions: [MODERN_VERSION],
    capabilities,
    _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
  }
}
