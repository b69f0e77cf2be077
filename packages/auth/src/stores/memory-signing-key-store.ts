import type { SigningKeyRecord, SigningKeyStore } from '../tokens/signing-key.js'

/** Keeps signing keys for as long as the process lives. */
export class MemorySigningKeyStore implements SigningKeyStore {
  #records: readonly SigningKeyRecord[] = []

  async list(): Promise<readonly SigningKeyRecord[]> {
    return this.#records
  }

  async add(record: SigningKeyRecord, after: string | undefined): Promise<boolean> {
    if (this.#records.at(-1)?.kid !== after) return false
    this.#records = [...this.#records, record]
    return true
  }

  async reseal(kid: string, sealedPrivate: string): Promise<void> {
    this.#records = this.#records.map((record) => (record.kid === kid ? { ...record, sealedPrivate } : record))
  }

  async remove(kids: readonly string[]): Promise<void> {
    this.#records = this.#records.filter((record) => !kids.includes(record.kid))
  }
}
