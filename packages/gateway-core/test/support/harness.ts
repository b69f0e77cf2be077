import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anonymous, decide, type Principal } from '@mcp-platform/auth'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import { NodeChildBudget } from '@mcp-platform/mcp-upstream'
import { connector, Gateway, type GatewayEvent, type GatewayOptions } from '../../src/index.js'

/** An instance as `POST /gateway/register` takes it. */
export type InstanceSpec = Readonly<Record<string, unknown>>

export interface Harness {
  readonly base: string
  readonly gateway: Gateway
  readonly registry: Registry
  readonly events: GatewayEvent[]
  stop(): Promise<void>
}

// A test may send a thousand calls at once, and a busy machine may serve them slowly.
const PATIENT = { queueSize: 1_000, queueTimeoutMs: 60_000 }

/** A whole gateway on a free port in front of the given instances, without a database or a web framework. */
export async function startGateway(
  templates: Readonly<Record<string, readonly InstanceSpec[]>>,
  options: Partial<GatewayOptions> & { settings?: Readonly<Record<string, unknown>> } = {},
): Promise<Harness> {
  const { settings, ...overrides } = options
  const events: GatewayEvent[] = []
  const onEvent = (event: GatewayEvent): void => void events.push(event)
  const registry = new Registry({ store: new MemoryRegistryStore() })
  await registry.load()
  for (const [name, instances] of Object.entries(templates)) {
    for (const instance of instances)
      await registry.register({ template_name: name, instance }, { by: { actor: 'test' } })
    if (settings) await registry.updateTemplate(name, settings, { actor: 'test' })
  }
  const gateway = new Gateway({
    registry,
    connect: connector({ guard: { allowLoopback: true }, children: new NodeChildBudget(), onEvent }),
    authenticate: (request) => principalOf(request.headers['x-test-principal']),
    decide,
    onEvent,
    defaults: PATIENT,
    ...overrides,
  })
  await gateway.start()
  const server = createServer((request, response) => gateway.handle(request, response, `r${events.length}`))
  // Longer than any test: a reused socket must not be closed by the server in the moment it is used.
  server.keepAliveTimeout = 120_000
  // Room for all of a thousand connections that are opened at once: the system resets those that a queue of 511 has not.
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve))
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    gateway,
    registry,
    events,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await gateway.close({ graceMs: 0 })
    },
  }
}

// Two fixed principals stand in for identity, which has a package of its own.
function principalOf(header: string | string[] | undefined): Principal {
  return header === 'other' ? { ...anonymous, id: 'user:other', kind: 'user', name: 'other' } : anonymous
}
