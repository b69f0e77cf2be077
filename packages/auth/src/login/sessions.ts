import { randomBytes } from 'node:crypto'
import { type AuditEvent, type AuditFacts, auditEvent } from '../audit/event.js'
import { AuthForbiddenError, LoginFailedError, LoginThrottledError } from '../errors.js'
import type { AuthObserver } from '../events.js'
import type { Actor } from '../identity/actor.js'
import type { Directory } from '../identity/directory.js'
import type { PasswordHasher } from '../identity/password-hasher.js'
import type { User } from '../identity/user.js'
import type { RandomBytes } from '../keys/key-format.js'
import type { AccessTokenIssuer, IssuedToken } from '../tokens/access-tokens.js'
import { mintRefreshToken, type RefreshTokenRecord, type RefreshTokenStore, refreshTokenHash } from './refresh-token.js'
import type { LoginThrottle } from './throttle.js'

const DEFAULT_FAMILY_LIFETIME_MS = 30 * 24 * 3600 * 1000
const DEFAULT_CLIENT = 'default'

/** Options of {@link Sessions}. */
export interface SessionsOptions {
  readonly directory: Directory
  readonly passwords: PasswordHasher
  readonly throttle: LoginThrottle
  readonly tokens: AccessTokenIssuer
  readonly refreshTokens: RefreshTokenStore
  /** Takes audit events; must not throw. `AuditTrail.record`. */
  readonly audit: (event: AuditEvent) => void
  /** A login lasts for this long at most, however often it is refreshed, in milliseconds. @default 30 days */
  readonly familyLifetimeMs?: number | undefined
  /** Milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
  readonly random?: RandomBytes | undefined
  readonly onEvent?: AuthObserver | undefined
}

/** Where a request comes from. */
export interface LoginContext {
  readonly address?: string | undefined
  readonly requestId?: string | undefined
  /** What the refresh token is bound to: the name of the program, for instance. */
  readonly client?: string | undefined
}

/** What a login gives. */
export interface SessionTokens {
  readonly access: IssuedToken
  /** Single use. */
  readonly refreshToken: string
  readonly user: User
}

/** Login by password, refresh, logout. All failures look the same to the caller and differ in the audit trail. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #now: () => number

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /**
   * Checks a password; does the same work for users who do not exist.
   * @throws LoginFailedError, LoginThrottledError, PasswordBusyError; errors of the store pass through
   */
  async login(name: string, password: string, context: LoginContext = {}): Promise<SessionTokens> {
    this.#begin(name, context)
    const user = await this.#proven(name, password)
    if (user === undefined) {
      this.#audit({ action: 'login', outcome: 'denied', actor: `user:${name}` }, context)
      throw new LoginFailedError()
    }
    this.#options.throttle.succeeded(name)
    const { access, refresh } = await this.#issue(user, context)
    await this.#options.refreshTokens.insert(refresh.record)
    this.#audit({ action: 'login', actor: `user:${user.name}` }, context)
    return { access, refreshToken: refresh.token, user }
  }

  /**
   * Exchanges a refresh token for new tokens. Using one a second time ends the whole login: one of the two users has stolen it.
   * @throws LoginFailedError
   */
  async refresh(refreshToken: string, context: LoginContext = {}): Promise<SessionTokens> {
    const { refreshTokens } = this.#options
    const hash = refreshTokenHash(refreshToken)
    const record = hash === undefined ? undefined : await refreshTokens.find(hash)
    if (record === undefined) throw new LoginFailedError()
    const user = this.#userOf(record, context)
    if (user === undefined) return this.#refuse(record, 'ended', context)
    if (record.usedAt !== undefined) return this.#reused(record, context)
    const { access, refresh } = await this.#issue(user, context, record)
    const exchange = await refreshTokens.exchange(record.hash, refresh.record, new Date(this.#now()))
    if (exchange === 'used') return this.#reused(record, context)
    if (exchange === 'unknown') throw new LoginFailedError()
    return { access, refreshToken: refresh.token, user }
  }

  /** Ends a login: its refresh tokens, and the access token if it is given. An unknown token is no error. */
  async logout(
    tokens: {
      readonly refreshToken?: string | undefined
      readonly access?: Pick<IssuedToken, 'id' | 'expiresAt'> | undefined
    },
    actor: Actor,
  ): Promise<void> {
    const hash = tokens.refreshToken === undefined ? undefined : refreshTokenHash(tokens.refreshToken)
    const record = hash === undefined ? undefined : await this.#options.refreshTokens.find(hash)
    if (record !== undefined) await this.#options.refreshTokens.revokeFamily(record.family)
    if (tokens.access !== undefined) await this.#revokeAccess(tokens.access, actor)
    else this.#audit({ action: 'logout', actor: actor.principal.id }, actor)
  }

  #begin(name: string, context: LoginContext): void {
    try {
      this.#options.throttle.begin(name, context.address)
    } catch (error) {
      if (error instanceof LoginThrottledError) {
        this.#audit(
          { action: 'login', outcome: 'denied', actor: `user:${name}`, details: { throttled: true } },
          context,
        )
      }
      throw error
    }
  }

  async #proven(name: string, password: string): Promise<User | undefined> {
    const { directory, passwords, throttle } = this.#options
    try {
      const hash = await directory.store.passwordHash(name)
      const isRight = await passwords.verify(hash, password)
      const user = directory.state.users.get(name)
      if (!isRight || hash === undefined || user === undefined || user.disabled) return undefined
      await this.#strengthen(name, hash, password)
      return user
    } catch (error) {
      throttle.undecided(name)
      throw error
    }
  }

  /** A right password stays right when it cannot be hashed anew, because too many wait for instance: the next login tries again. */
  async #strengthen(name: string, hash: string, password: string): Promise<void> {
    const { directory, passwords, onEvent } = this.#options
    if (!passwords.needsRehash(hash)) return
    try {
      await directory.store.replacePasswordHash(name, hash, await passwords.hash(password))
    } catch (error) {
      onEvent?.({ type: 'password-not-strengthened', user: name, error })
    }
  }

  async #issue(
    user: User,
    { client = DEFAULT_CLIENT }: LoginContext,
    before?: RefreshTokenRecord,
  ): Promise<{ access: IssuedToken; refresh: { token: string; record: RefreshTokenRecord } }> {
    const { tokens, random, familyLifetimeMs = DEFAULT_FAMILY_LIFETIME_MS } = this.#options
    const { name, epoch, role } = user
    const token = mintRefreshToken(random)
    const record: RefreshTokenRecord = {
      hash: refreshTokenHash(token) ?? '',
      family: before?.family ?? randomBytes(16).toString('base64url'),
      user: name,
      epoch,
      client,
      createdAt: new Date(this.#now()),
      expiresAt: before?.expiresAt ?? new Date(this.#now() + familyLifetimeMs),
    }
    return { access: await tokens.issue({ user: name, epoch, role }), refresh: { token, record } }
  }

  #userOf(record: RefreshTokenRecord, { client = DEFAULT_CLIENT }: LoginContext): User | undefined {
    const user = this.#options.directory.state.users.get(record.user)
    if (user === undefined || user.disabled || user.epoch !== record.epoch) return undefined
    return record.client === client && record.expiresAt.getTime() > this.#now() ? user : undefined
  }

  async #reused(record: RefreshTokenRecord, context: LoginContext): Promise<never> {
    this.#options.onEvent?.({ type: 'refresh-token-reused', user: record.user, family: record.family })
    return this.#refuse(record, 'reused', context)
  }

  async #refuse(record: RefreshTokenRecord, reason: string, context: LoginContext): Promise<never> {
    await this.#options.refreshTokens.revokeFamily(record.family)
    this.#audit(
      { action: 'token.refresh', outcome: 'denied', actor: `user:${record.user}`, details: { reason } },
      context,
    )
    throw new LoginFailedError()
  }

  async #revokeAccess({ id, expiresAt }: Pick<IssuedToken, 'id' | 'expiresAt'>, actor: Actor): Promise<void> {
    const { kind } = actor.principal
    if (kind !== 'user' && kind !== 'external') throw new AuthForbiddenError('only a user can log out')
    const { address, requestId } = actor
    const audit = auditEvent({
      at: new Date(this.#now()),
      actor: actor.principal.id,
      action: 'logout',
      address,
      requestId,
    })
    await this.#options.directory.change(() => ({
      changes: [{ op: 'revoke-token', id, expiresAt }],
      audit,
      result: undefined,
    }))
  }

  #audit(facts: Omit<AuditFacts, 'at'>, { address, requestId }: LoginContext): void {
    this.#options.audit(auditEvent({ ...facts, at: new Date(this.#now()), address, requestId }))
  }
}
