import { type IncomingMessage, ServerResponse } from 'node:http'
import {
  AccessTokenVerifier,
  type AuthEvent,
  Authenticator,
  type AuthSnapshot,
  anonymous,
  CredentialInvalidError,
  CredentialMissingError,
  type DerivedKeys,
  KeyHasher,
  type KeyUse,
  localAdmin,
  type Principal,
  type RateLimitHeaders,
  type Scope,
  type TokenVerifier,
  type VerificationKeys,
} from '@mcp-platform/auth'
import { GatewayError } from '@mcp-platform/gateway-core'
import type { Settings } from '../config/settings.js'
import { type AddressOf, addressReader } from '../http/caller-address.js'
import { Challenges } from './challenges.js'
import { Limits } from './limits.js'
import { OpenExchanges } from './open-exchanges.js'
import { parseRateRule } from './rate-rule.js'
import { fromAuthError } from './refusals.js'

/** Says who sends a request. Synchronous for credentials that were seen before. @throws GatewayError; or rejects with one */
export type Authenticate = (request: IncomingMessage) => Principal | Promise<Principal>

/** What every process that takes requests must know to tell callers apart. Survives structured cloning. */
export interface DoorSecrets {
  readonly adminToken: string
  /** `ring.derive('api-key-pepper')` */
  readonly peppers: DerivedKeys
  /** `ring.derive('argument-hash')` */
  readonly argumentKeys: DerivedKeys
  /** Issuer and audience of our own tokens. */
  readonly issuer: string
}

/** Options of {@link Door}. */
export interface DoorOptions {
  readonly settings: Settings
  readonly authEnabled: boolean
  /** The local admin token may register commands. */
  readonly mayExecute: boolean
  readonly secrets: DoorSecrets
  readonly snapshot: AuthSnapshot
  /** Public keys of our own tokens, as they are now. */
  readonly keys: () => VerificationKeys
  /** Issuers besides ourselves. */
  readonly issuers: readonly TokenVerifier[]
  readonly keyUse?: KeyUse | undefined
  readonly onEvent: (event: AuthEvent) => void
}

/**
 * The one way in, for management and MCP traffic alike: limits per address, who is it, limits per principal. One per
 * process; it works on snapshots and never reads a database.
 */
export class Door {
  readonly addressOf: AddressOf
  readonly challenges: Challenges
  readonly limits: Limits
  readonly #options: DoorOptions
  readonly #authenticator: Authenticator
  readonly #open = new OpenExchanges((request) => this.#identify(request))

  constructor(options: DoorOptions) {
    const { settings, secrets, authEnabled, mayExecute, issuers } = options
    this.#options = options
    this.addressOf = addressReader(settings)
    this.challenges = new Challenges(settings)
    this.limits = new Limits(settings.rateLimit.flatMap((text) => parseRateRule(text) ?? []))
    const own = new AccessTokenVerifier({ issuer: secrets.issuer, audience: secrets.issuer, keys: options.keys })
    this.#authenticator = new Authenticator({
      snapshot: options.snapshot,
      keys: new KeyHasher(secrets.peppers),
      keyUse: options.keyUse,
      tokens: [own, ...issuers],
      audience: settings.publicUrl,
      local: [{ token: secrets.adminToken, principal: localAdmin({ mayExecute }) }],
      anonymous: authEnabled ? undefined : anonymous,
      onEvent: options.onEvent,
    })
  }

  readonly authenticate: Authenticate = (request) => {
    const { addressOf, limits } = this
    try {
      limits.request(addressOf(request))
      const found = this.#identify(request)
      if (!(found instanceof Promise)) return this.#admitted(found, request)
      const admitted = (principal: Principal): Principal => this.#admitted(principal, request)
      return found.then(admitted, (error: unknown) => this.#refuse(error, request))
    } catch (error) {
      return this.#refuse(error, request)
    }
  }

  /** `WWW-Authenticate` for a caller who lacks a scope. */
  readonly challenge = (request: IncomingMessage, scope: Scope): string => this.challenges.insufficient(request, scope)

  /** Ends an exchange that goes on for long as soon as its credential is no longer good, or good for less. */
  readonly follow = (request: IncomingMessage, response: ServerResponse, principal?: Principal): void => {
    if (this.#options.authEnabled || this.limits.tellsPrincipals) this.#open.add(request, response, principal)
  }

  /** Takes a new snapshot, or the same one to say that it is still true. */
  update(snapshot: AuthSnapshot): void {
    const isNew = snapshot !== this.#authenticator.snapshot
    this.#authenticator.update(snapshot)
    if (isNew) this.#open.check()
    else this.#open.checkSome()
  }

  #identify(request: IncomingMessage): Principal | Promise<Principal> {
    const { authorization, 'x-api-key': key } = request.headers
    return this.#authenticator.authenticate({
      authorization,
      apiKey: typeof key === 'string' ? key : undefined,
      address: this.addressOf(request),
      resource: this.#options.issuers.length === 0 ? undefined : this.challenges.resource(request),
    })
  }

  #admitted(principal: Principal, request: IncomingMessage): Principal {
    const left = this.limits.principal(principal.id)
    if (left !== undefined) tell(left, this.#open.responseOf(request) ?? responseOf(request))
    this.#open.admitted(request, principal)
    return principal
  }

  #refuse(error: unknown, request: IncomingMessage): never {
    if (error instanceof GatewayError) throw error
    const isMissing = error instanceof CredentialMissingError
    if (isMissing || error instanceof CredentialInvalidError) this.limits.refusal(this.addressOf(request))
    const refused = fromAuthError(error)
    if (refused === undefined) throw error
    throw new GatewayError(refused.code, refused.message, {
      ...refused.facts,
      ...(isMissing ? { challenge: this.challenges.missing(request) } : {}),
      ...(error instanceof CredentialInvalidError ? { challenge: this.challenges.invalid(request) } : {}),
    })
  }
}

// Express puts it there; MCP traffic does not come through Express.
function responseOf(request: IncomingMessage): ServerResponse | undefined {
  const response: unknown = Reflect.get(request, 'res')
  return response instanceof ServerResponse ? response : undefined
}

function tell(left: RateLimitHeaders, response: ServerResponse | undefined): void {
  if (response === undefined || response.headersSent) return
  response.setHeader('RateLimit', left.ratelimit)
  response.setHeader('RateLimit-Policy', left['ratelimit-policy'])
}
