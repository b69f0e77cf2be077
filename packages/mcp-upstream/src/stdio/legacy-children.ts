import type { ServerIdentity, SessionInit, SessionKey } from '../upstream.js'
import { type AcquireOptions, ChildPool } from './child-pool.js'
import type { Seat } from './stdio-session.js'
import type { Supervisor } from './supervisor.js'

/** Who shares a child. */
export type Sharing = 'shared' | 'per_principal' | 'exclusive'

/** What {@link LegacyChildren} needs. */
export interface LegacyChildrenOptions {
  readonly sharing: Sharing
  readonly poolSize: number
  /** What we open a session of our own with. */
  readonly ownInit: SessionInit
  /** A supervisor of a child that is opened with `init`, for one context or (undefined) for everybody. */
  supervise(context: string | undefined, init: SessionInit): Supervisor
}

/** Client capabilities by which a server may ask something back. */
const ASKING = ['elicitation', 'sampling', 'roots']
/** Above this many pools those whose children have stopped are forgotten. */
const TIDY_ABOVE = 64

/** The children of one legacy server: shared ones by key, and those that belong to one session. */
export class LegacyChildren {
  readonly #options: LegacyChildrenOptions
  readonly #pools = new Map<string, ChildPool>()
  readonly #exclusive = new Set<Supervisor>()
  /** Has told us who the server is, and serves the first caller whose handshake would have been the same. */
  #spare: Supervisor | undefined

  constructor(options: LegacyChildrenOptions) {
    this.#options = options
  }

  /** Every supervisor there is. */
  get supervisors(): readonly Supervisor[] {
    const pooled = [...this.#pools.values()].flatMap((pool) => pool.supervisors)
    return [...pooled, ...this.#exclusive, ...(this.#spare ? [this.#spare] : [])]
  }

  /** Whether a session that is opened like this may be asked something, or must be alone for another reason. */
  needsOwnChild(init: SessionInit): boolean {
    return this.#options.sharing === 'exclusive' || ASKING.some((capability) => capability in init.capabilities)
  }

  /** Under which key callers share a child. Names and versions of clients do not matter to servers. */
  keyOf({ context, init }: SessionKey): string {
    const sharers = this.#options.sharing === 'shared' ? null : context
    return JSON.stringify([sharers, init.protocolVersion, init.capabilities])
  }

  /** Opens a session of our own to learn who the server is; the child is kept for the first caller. */
  async identify(options: AcquireOptions): Promise<ServerIdentity> {
    this.#spare ??= this.#options.supervise(undefined, this.#options.ownInit)
    const { identity } = await this.#spare.acquire(options)
    return identity
  }

  /** A seat on a child that is shared with others of the same key. Throws what `Supervisor.acquire` throws. */
  async share(key: SessionKey, options: AcquireOptions): Promise<Seat> {
    const pool = this.#poolOf(key)
    const { channel, identity } = pool.tryAcquire() ?? (await pool.acquire(options))
    return { channel, identity, exclusive: false, leave: async () => undefined }
  }

  /** A child of one's own. Throws what `Supervisor.acquire` throws. */
  async own(key: SessionKey, options: AcquireOptions): Promise<Seat> {
    const supervisor = this.#options.supervise(key.context, key.init)
    this.#exclusive.add(supervisor)
    const leave = async (): Promise<void> => {
      await supervisor.close()
      this.#exclusive.delete(supervisor)
    }
    try {
      const { channel, identity } = await supervisor.acquire(options)
      return { channel, identity, exclusive: true, leave }
    } catch (error) {
      void leave()
      throw error
    }
  }

  /** The next identification starts a fresh child. */
  forget(): void {
    void this.#spare?.close()
    this.#spare = undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.supervisors.map((supervisor) => supervisor.close()))
  }

  #poolOf(key: SessionKey): ChildPool {
    const name = this.keyOf(key)
    const known = this.#pools.get(name)
    if (known) return known
    this.#tidy()
    const pool = new ChildPool(this.#newSupervisors(key))
    this.#pools.set(name, pool)
    return pool
  }

  #newSupervisors({ context, init }: SessionKey): Supervisor[] {
    const whom = this.#options.sharing === 'shared' ? undefined : context
    const spare = this.#adoptSpare(init)
    const missing = this.#options.poolSize - (spare ? 1 : 0)
    const others = Array.from({ length: missing }, () => this.#options.supervise(whom, init))
    return spare ? [spare, ...others] : others
  }

  #adoptSpare(init: SessionInit): Supervisor | undefined {
    const spare = this.#spare
    if (!spare?.ready || !isSameHandshake(init, this.#options.ownInit)) return undefined
    this.#spare = undefined
    return spare
  }

  #tidy(): void {
    if (this.#pools.size < TIDY_ABOVE) return
    for (const [name, pool] of this.#pools) if (pool.isStopped) this.#pools.delete(name)
  }
}

function isSameHandshake(one: SessionInit, other: SessionInit): boolean {
  return (
    one.protocolVersion === other.protocolVersion &&
    JSON.stringify(one.capabilities) === JSON.stringify(other.capabilities)
  )
}
