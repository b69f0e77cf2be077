import { join } from 'node:path'
import {
  AccessTokenIssuer,
  ApiKeys,
  type AuthSnapshot,
  Directory,
  FieldSealer,
  KeyHasher,
  KeyUse,
  LoginThrottle,
  localAdmin,
  Mac,
  type PublishedKeys,
  Sessions,
  SigningKeys,
  type TokenVerifier,
  Users,
} from '@mcp-platform/auth'
import { Argon2Passwords } from '@mcp-platform/auth/passwords'
import type { SealingKey } from '@mcp-platform/mcp-bridge'
import {
  kyselyAuditStore,
  kyselyIdentityStore,
  kyselyRefreshTokenStore,
  kyselySigningKeyStore,
} from '@mcp-platform/store-kysely/auth'
import type { EffectiveModes } from '../config/effective.js'
import type { Settings } from '../config/settings.js'
import { isDatabaseFailure } from '../database/failure.js'
import { databaseName, parseDatabaseUrl } from '../database/url.js'
import type { DatabaseWatch } from '../database/watch.js'
import type { Stores } from '../open-stores.js'
import { SealedFile } from '../snapshot/sealed-file.js'
import { AuditLog } from './audit-log.js'
import { leakedPasswords } from './common-passwords.js'
import { Door, type DoorSecrets } from './door.js'
import type { IdentityEvent } from './events.js'
import { makeFirstAdmin } from './first-admin.js'
import type { IdentityCopy } from './identity-copy.js'
import { IdentitySnapshot } from './identity-snapshot.js'
import type { NodeKeys } from './keys-of-database.js'
import { Reporter } from './reporter.js'
import { Routine } from './routine.js'
import { snapshotKeys } from './snapshot-keys.js'
import { externalIssuers } from './token-issuers.js'
import { watchedAuditStore, watchedIdentityStore } from './watched-stores.js'

const KEYS_MS = 60_000
// The same before and after a change of the master key; what tells gateways apart are their signing keys.
const ISSUER = 'urn:mcp-gateway'
/** How often uses of keys are written down; they are noted to five minutes anyway. */
const USES_MS = 30_000

export interface IdentityOptions {
  readonly settings: Settings
  readonly modes: EffectiveModes
  readonly stateDir: string
  readonly adminToken: string
  readonly keys: NodeKeys
  readonly stores: Pick<Stores, 'kysely' | 'dialect'>
  readonly watch: DatabaseWatch
  /** Nodes that share the limits. */
  readonly nodes: () => number
  readonly onEvent: (event: IdentityEvent) => void
}

/** Users, keys, tokens, audit and the door of one node. Close it to write what waits. */
export class Identity {
  readonly directory: Directory
  readonly users: Users
  readonly apiKeys: ApiKeys
  readonly sessions: Sessions
  readonly throttle: LoginThrottle
  readonly signingKeys: SigningKeys
  readonly audit: AuditLog
  readonly keyUse = new KeyUse()
  readonly secrets: DoorSecrets
  /** Issuers besides ourselves whose tokens are taken. */
  readonly issuers: readonly TokenVerifier[]
  readonly door: Door
  /** Takes calls and refusals of this process to the audit trails. */
  readonly reporter: Reporter
  readonly #options: IdentityOptions
  readonly #routines: readonly Routine[]
  readonly #snapshot: IdentitySnapshot
  /** Those of the last run, while the database has not answered yet. */
  #savedKeys: PublishedKeys | undefined
  #loaded = false
  #closing = false
  #following: Promise<void> | undefined
  #latest: AuthSnapshot
  readonly #followers = new Set<(snapshot: AuthSnapshot) => void>()

  private constructor(options: IdentityOptions) {
    const { settings, modes, stateDir, adminToken, watch, onEvent } = options
    const { masterKeys, chain } = options.keys
    const { kysely, dialect } = options.stores
    this.#options = options
    this.#snapshot = new IdentitySnapshot(
      new SealedFile({
        path: join(stateDir, 'identity-snapshot'),
        keys: snapshotKeys(masterKeys),
        about: `identity|${databaseName(parseDatabaseUrl(modes.database))}`,
      }),
      (error) => onEvent({ type: 'chore-failed', chore: 'the snapshot of users and keys', error }),
    )
    const auditing = { chain }
    const issuer = settings.publicUrl ?? ISSUER
    this.secrets = {
      adminToken,
      issuer,
      peppers: masterKeys.derive('api-key-pepper'),
      argumentKeys: masterKeys.derive('argument-hash'),
    }
    this.audit = new AuditLog({
      store: watchedAuditStore(kyselyAuditStore(kysely, dialect, auditing), watch, () => this.#closing),
      chain,
      folder: join(stateDir, 'audit'),
      onEvent,
    })
    this.reporter = new Reporter(this.audit, new Mac(this.secrets.argumentKeys))
    const store = watchedIdentityStore(kyselyIdentityStore(kysely, dialect, auditing), watch)
    this.directory = new Directory({ store, onSnapshot: (snapshot) => this.#take(snapshot), onEvent })
    const cost = { memoryKiB: settings.passwordMemory * 1_024, passes: settings.passwordPasses }
    const passwords = new Argon2Passwords({ common: leakedPasswords, cost })
    this.#latest = this.directory.snapshot
    this.users = new Users({ directory: this.directory, passwords })
    this.apiKeys = new ApiKeys({ directory: this.directory, hasher: new KeyHasher(this.secrets.peppers) })
    const signingStore = kyselySigningKeyStore(kysely, dialect)
    this.signingKeys = new SigningKeys({ store: signingStore, sealer: new FieldSealer(masterKeys), onEvent })
    this.issuers = externalIssuers(settings, onEvent)
    this.door = new Door({
      settings,
      authEnabled: modes.auth,
      mayExecute: modes.mayExecute,
      secrets: this.secrets,
      snapshot: this.directory.snapshot,
      keys: () => this.#savedKeys ?? this.signingKeys,
      issuers: this.issuers,
      keyUse: this.keyUse,
      onEvent: (event) => {
        this.reporter.identity(event)
        onEvent(event)
      },
    })
    this.throttle = new LoginThrottle({ perAddress: this.door.limits.login, onEvent })
    this.sessions = new Sessions({
      directory: this.directory,
      passwords,
      throttle: this.throttle,
      tokens: new AccessTokenIssuer({ issuer, audience: issuer, keys: this.signingKeys }),
      refreshTokens: kyselyRefreshTokenStore(kysely, dialect),
      audit: this.audit.record,
      onEvent,
    })
    this.#routines = this.#makeRoutines()
  }

  /**
   * Reads everything; while the database does not answer, what was known in the last run.
   * @throws errors of the database, when nothing was written down
   */
  static async open(options: IdentityOptions): Promise<Identity> {
    const identity = new Identity(options)
    try {
      await identity.#load()
    } catch (error) {
      if (!isDatabaseFailure(error) || !(await identity.#restore())) throw error
    }
    return identity
  }

  /** Makes the first administrator, where one is configured and there is no user. @throws GatewayStartError */
  async makeFirstAdmin(env: NodeJS.ProcessEnv): Promise<void> {
    if (!this.#loaded) return
    const made = await makeFirstAdmin(env, this.users, this.directory.state.users.size)
    if (made) this.#options.onEvent({ type: 'first-admin-made' })
  }

  /** Writes audit and last uses from now on. */
  async start(): Promise<void> {
    await this.audit.start()
    for (const routine of this.#routines) routine.start()
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all(this.#routines.map((routine) => routine.close()))
    await this.#following
    const ended = await Promise.allSettled([this.#flushUses(), this.audit.close(), this.#snapshot.close()])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  }

  /** What workers must know. */
  copy(): IdentityCopy {
    return { snapshot: this.#latest.toJSON(), keys: this.signingKeys.published(), nodes: this.#options.nodes() }
  }

  /** Another one after each change of what {@link copy} gives. */
  get mark(): string {
    const keys = this.signingKeys.published().map(({ kid, verifiesUntilMs }) => `${kid}${verifiesUntilMs}`)
    return `${this.#latest.version} ${keys.join()}`
  }

  /** Keys for session ids and request states, the same on every node and after a restart. */
  get sealingKeys(): readonly SealingKey[] {
    const { all } = this.#options.keys.masterKeys.derive('session-seal')
    return all.map(({ id, key }) => ({ kid: id, key }))
  }

  /**
   * The registry has looked at the database, each second: users and keys count in the same numbers, so this look tells of
   * their changes too.
   */
  looked(version: number): void {
    if (this.#loaded && version === this.directory.state.version) this.#take(this.directory.snapshot)
    else this.#follow()
  }

  /** Tells of each snapshot that was read, also when it is the same as before: it is confirmed then. @returns how to stop */
  follow(listener: (snapshot: AuthSnapshot) => void): () => void {
    this.#followers.add(listener)
    return () => void this.#followers.delete(listener)
  }

  async #load(): Promise<void> {
    await this.directory.load()
    await this.signingKeys.load()
    this.#loaded = true
    this.#savedKeys = undefined
    this.#take(this.directory.snapshot)
  }

  async #restore(): Promise<boolean> {
    const saved = await this.#snapshot.read()
    if (saved === undefined) return false
    this.#savedKeys = saved.keys
    this.#latest = saved.snapshot
    this.door.update(saved.snapshot)
    return true
  }

  #follow(): void {
    this.#following ??= this.#refresh().finally(() => {
      this.#following = undefined
    })
  }

  async #refresh(): Promise<void> {
    try {
      if (this.#loaded) await this.directory.refresh()
      else await this.#load()
    } catch (error) {
      // A directory that is loaded tells of its failures itself; the next look tries again.
      if (!this.#loaded) this.#options.onEvent({ type: 'identity-refresh-failed', error })
    }
  }

  #take(snapshot: AuthSnapshot): void {
    this.#latest = snapshot
    this.door.update(snapshot)
    const share = 1 / this.#options.nodes()
    this.door.limits.setShare(share)
    this.throttle.setShare(share)
    if (this.#loaded) this.#snapshot.save(snapshot, this.signingKeys.published())
    for (const follower of this.#followers) follower(snapshot)
  }

  #makeRoutines(): Routine[] {
    const { onEvent } = this.#options
    const failed = (chore: string) => (error: unknown) => onEvent({ type: 'chore-failed', chore, error })
    return [
      new Routine(KEYS_MS, () => this.#maintain(), failed('the signing keys')),
      new Routine(USES_MS, () => this.#flushUses(), failed('the last use of API keys')),
    ]
  }

  async #maintain(): Promise<void> {
    if (this.#loaded && this.#options.watch.state === 'ok') await this.signingKeys.maintain()
  }

  async #flushUses(): Promise<void> {
    if (this.#closing && this.#options.watch.state === 'unavailable') return
    const by = { principal: localAdmin({ mayExecute: false }) }
    await this.keyUse.flush({ directory: this.directory, keys: this.apiKeys, by })
  }
}
