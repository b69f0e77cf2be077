/*
 * The first thousand calls of a Node process cost several times what the next ones do: nothing is compiled yet, and compiling
 * competes with them (PERFORMANCE.md: p99 above 30 ms in the first seconds). So before it says that it is ready, a process that
 * serves MCP traffic sends calls through a gateway of its own making, in front of a server that does nothing, all on loopback.
 * The code is the one that serves callers; registry, state, statistics and logs are not touched.
 */
import { anonymous, decide } from '@mcp-platform/auth'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { connector, Gateway, GatewayError } from '@mcp-platform/gateway-core'
import { NodeChildBudget } from '@mcp-platform/mcp-upstream'
import { requestListener } from '../http/listener.js'
import { requestIdOf } from '../http/request-id.js'
import { RequestPolicy } from '../http/request-policy.js'
import { Caller } from './caller.js'
import { nullServer, serveOnLoopback } from './null-server.js'
import { sampleRequests } from './sample-requests.js'

/** Bounds of a warm-up. */
export interface WarmUpOptions {
  /** In milliseconds; 0: none. */
  readonly maxMs: number
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined
  /** Told what keeps this machine from talking to itself: a gateway serves without having warmed up, too. */
  readonly onError: (error: unknown) => void
}

/** What a log says when it could not be done. */
export const STAYED_COLD = 'could not warm up; the first calls will be slower'

/** After this many there is little left to gain. */
const MAX_CALLS = 3_000
const CALLERS = 4
const TEMPLATE = 'warm-up'

const ignore = (): void => undefined

/** Resolves to the number of calls that were made; never rejects. */
export async function warmUp({ maxMs, signal, onError }: WarmUpOptions): Promise<number> {
  if (maxMs === 0) return 0
  const until = performance.now() + maxMs
  try {
    return await callThroughGateway(() => performance.now() > until || signal?.aborted === true)
  } catch (error) {
    onError(error)
    return 0
  }
}

async function callThroughGateway(isOver: () => boolean): Promise<number> {
  await using server = await serveOnLoopback(nullServer)
  const gateway = await gatewayTo(`http://127.0.0.1:${server.port}/mcp`)
  try {
    await gateway.start()
    await using front = await serveOnLoopback(listenerOf(gateway))
    return await callUntil(front.port, isOver)
  } finally {
    await gateway.close({ graceMs: 0 })
  }
}

async function gatewayTo(endpoint: string): Promise<Gateway> {
  const registry = new Registry({ store: new MemoryRegistryStore() })
  await registry.load()
  await registry.register({ template_name: TEMPLATE, instance: { endpoint } }, { by: { actor: TEMPLATE } })
  const guard = { allowLoopback: true }
  return new Gateway({
    registry,
    connect: connector({ guard, children: new NodeChildBudget(), onEvent: ignore }),
    authenticate: () => anonymous,
    decide,
    onEvent: ignore,
  })
}

function listenerOf(gateway: Gateway): ReturnType<typeof requestListener> {
  const policy = new RequestPolicy({ host: '127.0.0.1', allowedHosts: [], allowedOrigins: [] })
  return requestListener(policy, [], {
    mcp: (request, response) => gateway.handle(request, response, requestIdOf(request)),
    rest: () => {
      throw new GatewayError('ROUTE_NOT_FOUND', 'nothing but MCP is served here')
    },
    healthOnly: false,
  })
}

async function callUntil(port: number, isOver: () => boolean): Promise<number> {
  const requests = sampleRequests(TEMPLATE, port)
  let calls = 0
  const work = async (caller: Caller): Promise<void> => {
    while (calls < MAX_CALLS && !isOver()) await caller.ask(requests[calls++ % requests.length] ?? '')
  }
  const callers = Array.from({ length: CALLERS }, () => new Caller(port))
  try {
    await Promise.all(callers.map(work))
    return calls
  } finally {
    for (const caller of callers) caller.close()
  }
}
