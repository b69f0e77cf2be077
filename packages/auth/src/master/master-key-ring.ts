import type { KeyPurpose, MasterKey } from './master-key.js'

/** A key that was derived from the master key of this id. */
export interface DerivedKey {
  readonly id: string
  readonly key: Buffer
}

/** The derived keys of one purpose: one to make new things with, all to read old ones. */
export interface DerivedKeys {
  readonly current: DerivedKey
  /** The current one first. */
  readonly all: readonly DerivedKey[]
}

/** The master key in use, and those whose work is still read: an old one while rotating, or the next one in advance. */
export class MasterKeyRing {
  readonly current: MasterKey
  /** The current one first. */
  readonly all: readonly MasterKey[]

  constructor(current: MasterKey, readable: readonly MasterKey[] = []) {
    this.current = current
    this.all = [current, ...readable.filter((key) => key.id !== current.id)]
  }

  find(id: string): MasterKey | undefined {
    return this.all.find((key) => key.id === id)
  }

  derive(purpose: KeyPurpose): DerivedKeys {
    const all = this.all.map((master) => ({ id: master.id, key: master.derive(purpose) }))
    return { current: { id: this.current.id, key: this.current.derive(purpose) }, all }
  }
}
