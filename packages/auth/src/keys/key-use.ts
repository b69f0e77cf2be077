import type { Actor } from '../identity/actor.js'
import type { Directory } from '../identity/directory.js'
import type { ApiKeys } from './api-keys.js'
import type { StoredSecret } from './key-hasher.js'

// Coarse on purpose: enough to find keys that nobody uses, and one write per key in five minutes.
const GRAIN_MS = 5 * 60 * 1000

/** A key that was used while its secret was hashed under an older pepper. */
export interface Rehash {
  readonly from: string
  readonly to: StoredSecret
}

/**
 * Collects when keys were used, on the request path, and writes it later: call {@link flush} each minute or so, and at the end.
 * Bounded by the number of keys there are: only keys that were verified get here.
 */
export class KeyUse {
  readonly #written = new Map<string, number>()
  readonly #pending = new Map<string, Date>()
  readonly #rehashes = new Map<string, Rehash>()

  /** Synchronous and cheap. @param at milliseconds since 1970 */
  note(keyId: string, at: number): void {
    const grain = at - (at % GRAIN_MS)
    if (this.#written.get(keyId) === grain) return
    this.#written.set(keyId, grain)
    this.#pending.set(keyId, new Date(grain))
  }

  noteRehash(keyId: string, rehash: Rehash): void {
    this.#rehashes.set(keyId, rehash)
  }

  /** Writes what was collected; keeps it if that fails. */
  async flush(options: { readonly directory: Directory; readonly keys: ApiKeys; readonly by: Actor }): Promise<void> {
    const uses = new Map(this.#pending)
    if (uses.size > 0) await options.directory.store.recordUse(uses)
    for (const [id, at] of uses) {
      if (this.#pending.get(id) === at) this.#pending.delete(id)
    }
    for (const [id, { from, to }] of [...this.#rehashes]) {
      if (options.directory.state.keys.has(id)) await options.keys.replaceSecretHash(id, from, to, options.by)
      this.#rehashes.delete(id)
    }
  }
}
