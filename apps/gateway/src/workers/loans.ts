import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import {
  effectiveSettings,
  type Instance,
  instanceMaxInFlight,
  type PartialTemplateSettings,
  type Registry,
  type TemplateSettings,
} from '@mcp-platform/core-registry'
import { type Connection, type ConnectionLender, SharedConnection, serveConnections } from '@mcp-platform/mcp-upstream'

/** The name by which the processes of one gateway speak about a connection. */
export function connectionName({ template, id, generation }: Instance): string {
  return `${template}/${id}#${generation}`
}

interface Lent {
  readonly shared: SharedConnection
  readonly instance: Instance
}

/** The child processes of the primary, lent to its workers over a local socket. */
export class Loans {
  readonly #defaults: PartialTemplateSettings
  readonly #lent = new Map<string, Lent>()
  readonly #lenders = new Set<ConnectionLender>()
  #server: Server | undefined

  /** `defaults`: settings of templates that set none. */
  constructor(defaults: PartialTemplateSettings) {
    this.#defaults = defaults
  }

  /** The connection as the primary shall use it: its cap counts over all workers. */
  share(instance: Instance, settings: TemplateSettings, connection: Connection): Connection {
    if (instance.attach.kind === 'http') return connection
    const shared = new SharedConnection(connection, { maxInFlight: instanceMaxInFlight(instance, settings) })
    this.#lent.set(connectionName(instance), { shared, instance })
    return shared
  }

  async listen(path: string): Promise<void> {
    const server = createServer((socket) => {
      const lender = serveConnections(socket, { find: (name) => this.#lent.get(name)?.shared })
      this.#lenders.add(lender)
      void lender.closed.then(() => this.#lenders.delete(lender))
    })
    this.#server = server
    server.listen(path)
    await once(server, 'listening')
  }

  /** Keeps caps as the registry has them, and forgets connections whose instance is gone. Returns what ends that. */
  follow(registry: Registry): () => void {
    return registry.subscribe((state, previous) => {
      for (const [name, { shared, instance }] of this.#lent) {
        const template = state.templates.get(instance.template)
        if (template !== undefined && template === previous.templates.get(instance.template)) continue
        const current = template?.instances.find(({ id }) => id === instance.id)
        if (template === undefined || current?.generation !== instance.generation) this.#forget(name)
        else shared.maxInFlight = instanceMaxInFlight(current, effectiveSettings(template.settings, this.#defaults))
      }
    })
  }

  async close(): Promise<void> {
    this.#server?.close()
    for (const lender of this.#lenders) lender.close()
    await Promise.all([...this.#lenders].map(({ closed }) => closed))
  }

  // Workers hear of the change a moment later: what they begin until then finds the connection closed, nothing sent.
  #forget(name: string): void {
    this.#lent.delete(name)
  }
}
