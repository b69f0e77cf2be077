import type { KeyCheck, KeyCheckStore } from '../master/key-check.js'

/** Keeps a key check for as long as the process lives. */
export class MemoryKeyCheckStore implements KeyCheckStore {
  #check: KeyCheck | undefined

  async load(): Promise<KeyCheck | undefined> {
    return this.#check
  }

  async save(check: KeyCheck, expected: string | undefined): Promise<boolean> {
    if (this.#check?.current.id !== expected) return false
    this.#check = check
    return true
  }
}
