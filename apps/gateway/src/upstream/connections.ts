import type { Instance, TemplateSettings } from '@mcp-platform/core-registry'
import { type Connection, UpstreamAddressRefusedError, UpstreamSpawnFailedError } from '@mcp-platform/mcp-upstream'
import { type StdioMode, spawnRefusal } from '../identity/stdio-mode.js'
import { refusedConnection } from './refused-connection.js'

type Connect = (instance: Instance, settings: TemplateSettings) => Connection

/** The connections of this process by instance: refuses what may not be started, and can cut one. */
export class Connections {
  readonly #connect: Connect
  readonly #stdioMode: StdioMode
  readonly #open = new Map<string, Connection>()

  constructor(connect: Connect, stdioMode: StdioMode) {
    this.#connect = connect
    this.#stdioMode = stdioMode
  }

  /** What the gateway calls once per instance and generation. */
  readonly connect: Connect = (instance, settings) => {
    const connection = this.#connectOrRefuse(instance, settings)
    this.#open.set(keyOf(instance.template, instance.id), connection)
    return connection
  }

  /** Closes the connection of an instance now; calls in flight on it fail. */
  async cut(template: string, instanceId: string): Promise<void> {
    const key = keyOf(template, instanceId)
    const connection = this.#open.get(key)
    this.#open.delete(key)
    await connection?.close()
  }

  /** Forgets an instance that was removed; the gateway closes its connection when its calls have ended. */
  forget(template: string, instanceId: string): void {
    this.#open.delete(keyOf(template, instanceId))
  }

  // The registry may hold what this start does not allow (it was made under another bind address, say): that is the
  // trouble of one instance, which says so, and never of the gateway.
  #connectOrRefuse(instance: Instance, settings: TemplateSettings): Connection {
    const reason = instance.attach.kind === 'stdio' ? spawnRefusal(instance, this.#stdioMode) : undefined
    if (reason !== undefined) return refusedConnection(new UpstreamSpawnFailedError({ reason }))
    try {
      return this.#connect(instance, settings)
    } catch (error) {
      if (error instanceof UpstreamAddressRefusedError) return refusedConnection(error)
      throw error
    }
  }
}

function keyOf(template: string, instanceId: string): string {
  return `${template}/${instanceId}`
}
