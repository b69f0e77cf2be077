import { AuthForbiddenError, credentialOf, externalTokenId, type Principal, parseCompact } from '@mcp-platform/auth'
import type {
  LoginRequest,
  LogoutRequest,
  MeView,
  PasswordRequest,
  Problem,
  RefreshRequest,
  TokenResponse,
} from '@mcp-platform/contract'
import { GatewayError } from '@mcp-platform/gateway-core'
import { Body, Controller, Get, Post, Request, Response, Route, Security, SuccessResponse, Tags } from '@tsoa/runtime'
import type { Request as HttpRequest } from 'express'
import type { Services } from '../http/services.js'
import { requireIdentified } from '../identity/access.js'
import { meView, tokenView } from '../identity/views.js'
import { actorOf, principalOf, whereOf } from './caller.js'

/** Login and what belongs to the caller. */
@Route('auth')
@Tags('Identity')
@Response<Problem>('default', 'An error as a problem document (RFC 9457)', undefined, 'application/problem+json')
export class AuthController extends Controller {
  readonly #services: Services

  constructor(services: Services) {
    super()
    this.#services = services
  }

  /**
   * Takes JSON, or a form as OAuth's password grant sends it. Failed logins of an account are slowed down more and more.
   * @summary Log in
   */
  @Post('login')
  @Response<Problem>(401, 'Name or password is wrong', undefined, 'application/problem+json')
  @Response<Problem>(429, 'Too many failed logins', undefined, 'application/problem+json')
  async login(@Request() request: HttpRequest, @Body() body: LoginRequest): Promise<TokenResponse> {
    const { username, password, client } = body
    const context = { ...whereOf(request, this.#services), client }
    const tokens = await this.#guarded(request, () =>
      this.#services.identity.sessions.login(username, password, context),
    )
    return this.#issued(tokens)
  }

  /**
   * Each refresh token works once and gives the next one; using one twice ends the whole login.
   * @summary Get a new access token
   */
  @Post('refresh')
  @Response<Problem>(401, 'The refresh token does not hold', undefined, 'application/problem+json')
  async refresh(@Request() request: HttpRequest, @Body() body: RefreshRequest): Promise<TokenResponse> {
    const { refresh_token, client } = body
    const context = { ...whereOf(request, this.#services), client }
    const tokens = await this.#guarded(request, () => this.#services.identity.sessions.refresh(refresh_token, context))
    return this.#issued(tokens)
  }

  /**
   * Ends the access token of the request at once, and the login of the refresh token that is given.
   * @summary Log out
   */
  @Post('logout')
  @Security('gateway', [])
  @SuccessResponse(204, 'Logged out')
  async logout(@Request() request: HttpRequest, @Body() body?: LogoutRequest): Promise<void> {
    const actor = actorOf(request, this.#services)
    requireIdentified(actor.principal)
    const access = accessOf(request, actor.principal)
    await this.#services.identity.sessions.logout({ refreshToken: body?.refresh_token, access }, actor)
    this.setStatus(204)
  }

  /** @summary Who am I? */
  @Get('me')
  @Security('gateway', [])
  me(@Request() request: HttpRequest): MeView {
    const principal = principalOf(request)
    const { identity, authEnabled } = this.#services
    const role = principal.kind === 'user' ? identity.directory.state.users.get(principal.name)?.role : undefined
    return meView(principal, role, authEnabled)
  }

  /**
   * One's own with the current password; somebody else's with users:admin and all rights that they have.
   * Every token of the user ends.
   * @summary Set a password
   */
  @Post('password')
  @Security('gateway', [])
  @SuccessResponse(204, 'The password is set')
  async password(@Request() request: HttpRequest, @Body() body: PasswordRequest): Promise<void> {
    const actor = actorOf(request, this.#services)
    requireIdentified(actor.principal)
    const { identity } = this.#services
    const name = body.username ?? ownName(actor.principal)
    const isOwn = actor.principal.kind === 'user' && actor.principal.name === name
    // A stolen token must not be a place to guess the password at.
    const account = `password of ${name}`
    if (isOwn) identity.throttle.begin(account, actor.address)
    try {
      await identity.users.setPassword(name, body.new_password, actor, { current: body.current_password })
    } catch (error) {
      if (isOwn && !isWrongPassword(error)) identity.throttle.undecided(account)
      throw error
    }
    if (isOwn) identity.throttle.succeeded(account)
    this.setStatus(204)
  }

  /** Failures count against the address. */
  async #guarded<T>(request: HttpRequest, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const { limits, addressOf } = this.#services.identity.door
      if (error instanceof Error && 'code' in error && error.code === 'AUTH_LOGIN_FAILED') {
        limits.refusal(addressOf(request))
      }
      throw error
    }
  }

  #issued(tokens: Parameters<typeof tokenView>[0]): TokenResponse {
    this.setHeader('Cache-Control', 'no-store')
    return tokenView(tokens)
  }
}

// Whatever else goes wrong (a new password that is too short, a database that is away) is no guess.
function isWrongPassword(error: unknown): boolean {
  return error instanceof AuthForbiddenError
}

function ownName(principal: Principal): string {
  if (principal.kind === 'user') return principal.name
  const message = 'username: whose password it is; this credential is not a user'
  throw new GatewayError('VALIDATION_FAILED', message, { errors: [{ path: 'username', message: 'is missing' }] })
}

/** The access token of the request, which was verified before. */
function accessOf(request: HttpRequest, { kind }: Principal): { id: string; expiresAt: Date } | undefined {
  if (kind !== 'user' && kind !== 'external') return undefined
  const { authorization, 'x-api-key': key } = request.headers
  const credential = credentialOf({ authorization, apiKey: typeof key === 'string' ? key : undefined })
  const { text, issuer, claims } = parseCompact(credential ?? '')
  const { jti, exp } = claims
  if (typeof exp !== 'number') return undefined
  const expiresAt = new Date(exp * 1_000)
  const name = typeof jti === 'string' ? jti : text
  return { id: kind === 'external' ? externalTokenId(issuer, name) : name, expiresAt }
}
