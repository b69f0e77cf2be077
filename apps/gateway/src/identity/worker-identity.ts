import { type AuditEvent, AuthSnapshot, type Denial, KeyUse, Mac, PublishedKeys, type Rehash } from '@mcp-platform/auth'
import type { EffectiveModes } from '../config/effective.js'
import type { Settings } from '../config/settings.js'
import { Door, type DoorSecrets } from './door.js'
import type { IdentityEvent } from './events.js'
import type { IdentityCopy } from './identity-copy.js'
import { Reporter } from './reporter.js'
import { externalIssuers } from './token-issuers.js'

/** What a worker tells its primary, which writes it down. */
export interface IdentityPrimary {
  denied(denial: Denial): void
  call(event: AuditEvent): void
  keyUsed(use: { readonly id: string; readonly at: number }): void
  keyRehashed(rehash: { readonly id: string; readonly rehash: Rehash }): void
}

/** Options of {@link WorkerIdentity}. */
export interface WorkerIdentityOptions {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly secrets: DoorSecrets
  readonly primary: IdentityPrimary
  readonly onEvent: (event: IdentityEvent) => void
}

/** The door of a worker: knows what the primary tells it and reads nothing itself. */
export class WorkerIdentity {
  readonly door: Door
  readonly reporter: Reporter
  readonly #workers: number
  #snapshot: AuthSnapshot
  #keys: PublishedKeys

  private constructor(options: WorkerIdentityOptions, copy: IdentityCopy, keys: PublishedKeys) {
    const { settings, modes, secrets, primary, onEvent } = options
    this.#workers = settings.workers
    this.#snapshot = new AuthSnapshot(copy.snapshot)
    this.#keys = keys
    this.reporter = new Reporter(primary, new Mac(secrets.argumentKeys))
    this.door = new Door({
      settings,
      authEnabled: modes.auth,
      mayExecute: modes.mayExecute,
      secrets,
      snapshot: this.#snapshot,
      keys: () => this.#keys,
      keyUse: new ForwardedKeyUse(primary),
      issuers: externalIssuers(settings, onEvent),
      onEvent: (event) => {
        this.reporter.identity(event)
        onEvent(event)
      },
    })
    this.#share(copy.nodes)
  }

  static async open(options: WorkerIdentityOptions, copy: IdentityCopy): Promise<WorkerIdentity> {
    return new WorkerIdentity(options, copy, await PublishedKeys.import(copy.keys))
  }

  /** Takes over a change. */
  async take(copy: IdentityCopy): Promise<void> {
    this.#keys = await PublishedKeys.import(copy.keys)
    this.#snapshot = new AuthSnapshot(copy.snapshot)
    this.confirm(copy.nodes)
  }

  /** What is known still holds. */
  confirm(nodes: number): void {
    this.#share(nodes)
    this.door.update(this.#snapshot)
  }

  #share(nodes: number): void {
    this.door.limits.setShare(1 / (this.#workers * nodes))
  }
}

const GRAIN_MS = 5 * 60 * 1_000

/** Tells the primary of the use of a key, once in five minutes. */
class ForwardedKeyUse extends KeyUse {
  readonly #primary: IdentityPrimary
  readonly #told = new Map<string, number>()

  constructor(primary: IdentityPrimary) {
    super()
    this.#primary = primary
  }

  override note(id: string, at: number): void {
    const grain = at - (at % GRAIN_MS)
    if (this.#told.get(id) === grain) return
    this.#told.set(id, grain)
    this.#primary.keyUsed({ id, at })
  }

  override noteRehash(id: string, rehash: Rehash): void {
    this.#primary.keyRehashed({ id, rehash })
  }
}
