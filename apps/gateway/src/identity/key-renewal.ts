import type { MasterKeyRing } from '@mcp-platform/auth'
import { kyselyKeyCheckStore } from '@mcp-platform/store-kysely/auth'
import { renewRegistryRows } from '@mcp-platform/store-kysely/registry'
import type { Stores } from '../open-stores.js'
import { Routine } from './routine.js'
import type { RowGuards } from './row-guards.js'

// Until each node has the new key, those that have not go on writing under the old one.
const EVERY_MS = 60_000

/** Options of {@link KeyRenewal}. */
export interface KeyRenewalOptions {
  readonly masterKeys: MasterKeyRing
  readonly guards: RowGuards
  readonly stores: Pick<Stores, 'kysely' | 'dialect'>
  /** False while the database does not answer. */
  readonly isUp: () => boolean
  readonly onRenewed: (rows: number) => void
  readonly onError: (error: unknown) => void
}

/**
 * Brings what the registry's rows hold under the master key in use, also what other nodes still write under the one before.
 * Signing keys are wrapped anew with their own upkeep, keys of callers are hashed anew when they are used.
 */
export class KeyRenewal {
  readonly #options: KeyRenewalOptions
  readonly #routine: Routine

  constructor(options: KeyRenewalOptions) {
    this.#options = options
    this.#routine = new Routine(EVERY_MS, () => this.#renew(), options.onError)
  }

  /** Does it once, and then each minute. A failure is told, and tried again. */
  async start(): Promise<void> {
    this.#routine.start()
    try {
      await this.#renew()
    } catch (error) {
      this.#options.onError(error)
    }
  }

  async close(): Promise<void> {
    await this.#routine.close()
  }

  async #renew(): Promise<void> {
    const { masterKeys, guards, stores, isUp, onRenewed } = this.#options
    if (!isUp()) return
    const { kysely, dialect } = stores
    const check = await kyselyKeyCheckStore(kysely, dialect).load()
    // A node that has not been given the new key yet must not bring anything back under the old one.
    if (check?.current.id !== masterKeys.current.id) return
    const rows = await renewRegistryRows(kysely, dialect, guards)
    if (rows > 0) onRenewed(rows)
  }
}
