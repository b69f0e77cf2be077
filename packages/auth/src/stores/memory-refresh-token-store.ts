import type { RefreshExchange, RefreshTokenRecord, RefreshTokenStore } from '../login/refresh-token.js'

/** Keeps refresh tokens for as long as the process lives. */
export class MemoryRefreshTokenStore implements RefreshTokenStore {
  readonly #records = new Map<string, RefreshTokenRecord>()

  async insert(record: RefreshTokenRecord): Promise<void> {
    this.#records.set(record.hash, record)
  }

  async find(hash: string): Promise<RefreshTokenRecord | undefined> {
    return this.#records.get(hash)
  }

  async exchange(hash: string, successor: RefreshTokenRecord, at: Date): Promise<RefreshExchange> {
    const record = this.#records.get(hash)
    if (record === undefined) return 'unknown'
    if (record.usedAt !== undefined) return 'used'
    this.#records.set(hash, { ...record, usedAt: at })
    this.#records.set(successor.hash, successor)
    return 'exchanged'
  }

  async revokeFamily(family: string): Promise<void> {
    this.#forget((record) => record.family === family)
  }

  async revokeUser(user: string): Promise<void> {
    this.#forget((record) => record.user === user)
  }

  async sweep(before: Date): Promise<void> {
    this.#forget((record) => record.expiresAt < before)
  }

  #forget(isGone: (record: RefreshTokenRecord) => boolean): void {
    for (const record of [...this.#records.values()]) if (isGone(record)) this.#records.delete(record.hash)
  }
}
