import { FieldSealer, Mac, type MasterKeyRing } from '@mcp-platform/auth'
import type { RowSigner, Seal } from '@mcp-platform/store-kysely'

/**
 * Seals the secrets of instances and signs rows with the master keys that hold now: before the database was asked those that
 * were given, afterwards without one whose time is over.
 */
export class RowGuards {
  readonly seal: Required<Seal>
  readonly signer: Required<RowSigner>
  #sealer: FieldSealer
  #mac: Mac

  constructor(ring: MasterKeyRing) {
    this.#sealer = new FieldSealer(ring)
    this.#mac = new Mac(ring.derive('row-signature'))
    this.seal = {
      seal: (plain, aad) => this.#sealer.seal(plain, aad),
      open: (sealed, aad) => this.#sealer.open(sealed, aad),
      isOutdated: (sealed) => this.#sealer.isOutdated(sealed),
      rewrap: (sealed, aad) => this.#sealer.rewrap(sealed, aad),
    }
    this.signer = {
      sign: (text) => this.#mac.sign(text),
      verify: (text, signature) => this.#mac.verify(text, signature),
      isOutdated: (signature) => this.#mac.isOutdated(signature),
    }
  }

  /** From now on these keys. */
  use(ring: MasterKeyRing): void {
    this.#sealer = new FieldSealer(ring)
    this.#mac = new Mac(ring.derive('row-signature'))
  }
}
