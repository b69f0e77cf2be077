import { randomBytes } from 'node:crypto'
import {
  createRequestStateCodec,
  McpServer,
  type McpServerFactory,
  type RequestStateCodec,
} from '@modelcontextprotocol/server'
import type { Change, Changes } from './changes.js'
import { registerPrompts } from './prompts.js'
import { registerResources } from './resources.js'
import { registerAskingTools } from './tools/asking.js'
import { registerBehaviourTools } from './tools/behaviour.js'
import { registerContentTools } from './tools/content.js'
import { type RoundState, registerInputRequiredTools } from './tools/input-required.js'
import { registerSchemaTools } from './tools/schemas.js'

/** What all server instances of a process share. */
export interface Shared {
  readonly changes: Changes
  readonly codec: RequestStateCodec<RoundState>
}

/**
 * The codec for `requestState`.
 * @param key 32 bytes or more; the same for all processes that may see each other's states. Absent: a random one for this process.
 */
export function stateCodec(key: string | undefined): RequestStateCodec<RoundState> {
  return createRequestStateCodec<RoundState>({ key: key ?? randomBytes(32) })
}

/** Makes server instances: one per modern request, per legacy session, or per stdio connection. */
export function serverFactory(shared: Shared): McpServerFactory {
  return ({ era }) => createDualEraServer(shared, era)
}

/** One server instance with everything registered. */
export function createDualEraServer({ changes, codec }: Shared, era: 'legacy' | 'modern'): McpServer {
  const server = new McpServer(
    { name: 'dual-era', title: 'Dual-era reference server', version: '1.0.0' },
    {
      instructions: 'A reference server that speaks both protocol eras.',
      capabilities: {
        logging: {},
        completions: {},
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
      },
      requestState: { verify: codec.verify },
    },
  )
  registerContentTools(server)
  registerBehaviourTools(server, changes)
  registerAskingTools(server)
  registerInputRequiredTools(server, codec)
  registerSchemaTools(server)
  registerResources(server)
  registerPrompts(server)
  if (era === 'legacy') tellLegacyClient(server, changes)
  return server
}

/** A legacy session hears of changes on its own stream, and of resources that it subscribed to. */
function tellLegacyClient(server: McpServer, changes: Changes): void {
  const subscribed = new Set<string>()
  server.server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscribed.add(params.uri)
    return {}
  })
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscribed.delete(params.uri)
    return {}
  })
  server.server.onclose = changes.subscribe((change) => tell(server, subscribed, change))
}

function tell(server: McpServer, subscribed: ReadonlySet<string>, change: Change): void {
  if (change.kind !== 'resource' || subscribed.has(change.uri)) tellListeners(server, change)
}

/** Announces a change on the server's own connection; in the modern era the SDK hands it to the listen streams that want it. */
export function tellListeners(server: McpServer, change: Change): void {
  if (change.kind === 'tools') server.sendToolListChanged()
  if (change.kind === 'prompts') server.sendPromptListChanged()
  if (change.kind === 'resources') server.sendResourceListChanged()
  if (change.kind !== 'resource') return
  server.server.sendResourceUpdated({ uri: change.uri }).catch((error: unknown) => {
    console.error('dual-era: a subscriber could not be told:', error)
  })
}
