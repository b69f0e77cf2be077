import { BoundedCache } from '../bounded-cache.js'
import { CredentialInvalidError } from '../errors.js'
import type { Principal, Scope } from '../principal.js'
import { parseCompact } from '../tokens/compact.js'
import { CLOCK_LEEWAY_SECONDS, type TokenVerifier, type VerifiedToken } from '../tokens/verifier.js'
import type { Knock } from './key-door.js'
import type { AuthSnapshot, UserFacts } from './snapshot.js'

// Long enough to blunt a loop with one bad token, short enough for a key that has just been published.
const REFUSAL_KEPT_MS = 1_500
// A key that its issuer has withdrawn must stop to count for the tokens that it signed.
const EXTERNAL_PROVEN_MS = 5 * 60_000
const LEEWAY_MS = CLOCK_LEEWAY_SECONDS * 1000

type Remembered =
  | { readonly kind: 'good'; readonly token: VerifiedToken; readonly untilMs: number; ready?: Ready | undefined }
  | { readonly kind: 'bad'; readonly error: CredentialInvalidError; readonly untilMs: number }

/** The principal of an own token, as long as the snapshot has the same user facts. */
interface Ready {
  readonly user: UserFacts
  readonly principal: Principal
}

interface TokenDoorOptions {
  readonly verifiers: readonly TokenVerifier[]
  readonly audience: string | undefined
  readonly now: () => number
  readonly cacheSize: number
}

/** Takes tokens: synchronous for those seen before, also for bad ones seen a moment ago. */
export class TokenDoor {
  readonly #verifiers: ReadonlyMap<string, TokenVerifier>
  readonly #audience: string | undefined
  readonly #now: () => number
  readonly #seen: BoundedCache<Remembered>
  readonly #checking = new Map<string, Promise<Remembered>>()

  constructor({ verifiers, audience, now, cacheSize }: TokenDoorOptions) {
    this.#verifiers = new Map(verifiers.map((verifier) => [verifier.issuer, verifier]))
    if (this.#verifiers.size !== verifiers.length) throw new RangeError('auth: an issuer is configured twice')
    this.#audience = audience
    this.#now = now
    this.#seen = new BoundedCache(cacheSize)
  }

  /**
   * @param newest the snapshot at the time when a signature was checked
   * @throws CredentialInvalidError, AuthUnavailableError
   */
  open(knock: Knock, newest: () => AuthSnapshot): Principal | Promise<Principal> {
    const seen = this.#seen.get(knock.digest)
    const holds = seen !== undefined && this.#now() < seen.untilMs
    if (holds && seen.kind === 'good') return this.#admit(seen, knock, knock.snapshot)
    if (holds && seen.kind === 'bad') throw seen.error
    return this.#check(knock).then((remembered) => {
      if (remembered.kind === 'bad') throw remembered.error
      return this.#admit(remembered, knock, newest())
    })
  }

  /** The same token at the same time is checked once. */
  #check({ credential, digest }: Knock): Promise<Remembered> {
    const running = this.#checking.get(digest)
    if (running !== undefined) return running
    const check = this.#verify(credential)
      .then((remembered) => {
        this.#seen.set(digest, remembered)
        return remembered
      })
      .finally(() => this.#checking.delete(digest))
    this.#checking.set(digest, check)
    return check
  }

  async #verify(credential: string): Promise<Remembered> {
    try {
      const token = parseCompact(credential)
      const verifier = this.#verifiers.get(token.issuer)
      if (verifier === undefined) throw new CredentialInvalidError('issuer')
      const verified = await verifier.verify(token)
      const untilMs = verified.kind === 'own' ? Number.POSITIVE_INFINITY : this.#now() + EXTERNAL_PROVEN_MS
      return { kind: 'good', token: verified, untilMs }
    } catch (error) {
      if (!(error instanceof CredentialInvalidError)) throw error
      return { kind: 'bad', error, untilMs: this.#now() + REFUSAL_KEPT_MS }
    }
  }

  #admit(seen: Remembered & { kind: 'good' }, { resource }: Knock, snapshot: AuthSnapshot): Principal {
    const { token } = seen
    const subject = token.kind === 'own' ? `user:${token.user}` : token.principal.id
    if (this.#now() >= token.expiresAtMs + LEEWAY_MS) throw new CredentialInvalidError('expired', { subject })
    if (snapshot.isTokenRevoked(token.id)) throw new CredentialInvalidError('revoked', { subject })
    if (!this.#isForUs(token, resource)) throw new CredentialInvalidError('audience', { subject })
    return token.kind === 'external' ? token.principal : ownPrincipal(seen, token, snapshot)
  }

  #isForUs({ kind, audiences }: VerifiedToken, resource: string | undefined): boolean {
    if (kind === 'own' || this.#audience === undefined) return true
    return audiences.includes(this.#audience) || (resource !== undefined && audiences.includes(resource))
  }
}

function ownPrincipal(
  seen: Remembered & { kind: 'good' },
  token: VerifiedToken & { kind: 'own' },
  snapshot: AuthSnapshot,
): Principal {
  const subject = `user:${token.user}`
  const user = snapshot.user(token.user)
  if (user === undefined) throw new CredentialInvalidError('unknown', { subject })
  if (user.disabled) throw new CredentialInvalidError('disabled', { subject })
  if (user.epoch !== token.epoch) throw new CredentialInvalidError('revoked', { subject })
  if (seen.ready?.user !== user) seen.ready = { user, principal: narrowed(user.principal, token.scopes) }
  return seen.ready.principal
}

function narrowed(principal: Principal, scopes: ReadonlySet<Scope> | undefined): Principal {
  if (scopes === undefined) return principal
  return Object.freeze({ ...principal, scopes: new Set([...principal.scopes].filter((scope) => scopes.has(scope))) })
}
