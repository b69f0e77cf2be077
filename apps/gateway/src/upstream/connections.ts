import type { Instance, TemplateSettings } from '@mcp-platform/core-registry'
import {
  type Connection,
  UpstreamAddressRefusedError,
  UpstreamSpawnFailedError,
  UpstreamUntrustedError,
} from '@mcp-platform/mcp-upstream'
import { type StdioRules, spawnRefusal } from '../identity/stdio-mode.js'
import { refusedConnection } from './refused-connection.js'

type Connect = (instance: Instance, settings: TemplateSettings) => Connection

/** What became of a connection that its instance no longer needs. */
export type ConnectionEnd = 'cut' | 'forgotten'

/** Options of {@link Connections}. */
export interface ConnectionsOptions {
  readonly connect: Connect
  readonly rules: StdioRules
  /** Told of each instance whose connection was cut or forgotten here, so that other processes do the same. */
  readonly onEnd?: ((how: ConnectionEnd, template: string, instanceId: string) => void) | undefined
}

/** The connections of this process by instance: refuses what may not be started, and can cut one. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #open = new Map<string, Connection>()

  constructor(options: ConnectionsOptions) {
    this.#options = options
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
    this.#options.onEnd?.('cut', template, instanceId)
    await connection?.close()
  }

  /** Forgets an instance that was removed; the gateway closes its connection when its calls have ended. */
  forget(template: string, instanceId: string): void {
    this.#open.delete(keyOf(template, instanceId))
    this.#options.onEnd?.('forgotten', template, instanceId)
  }

  // The registry may hold what this start does not allow (it was made under another bind address, say): that is the
  // trouble of one instance, which says so, and never of the gateway.
  #connectOrRefuse(instance: Instance, settings: TemplateSettings): Connection {
    const { untrusted } = instance
    if (untrusted !== undefined) return refusedConnection(new UpstreamUntrustedError({ reason: untrusted }))
    const reason = spawnRefusal(instance, this.#options.rules)
    if (reason !== undefined) return refusedConnection(new UpstreamSpawnFailedError({ reason }))
    try {
      return this.#options.connect(instance, settings)
    } catch (error) {
      if (error instanceof UpstreamAddressRefusedError) return refusedConnection(error)
      throw error
    }
  }
}

function keyOf(template: string, instanceId: string): string {
  return `${template}/${instanceId}`
}
