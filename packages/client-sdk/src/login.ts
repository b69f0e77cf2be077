import { type LoginRequest, type LogoutRequest, type MeView, paths, type TokenResponse } from '@mcp-platform/contract'
import type { Api, RequestOptions } from './api.js'
import { NotAuthenticatedError, SessionEndedError } from './errors.js'
import type { SessionTokens } from './session-store.js'
import { tokensOf } from './session-tokens.js'

/** Logs in and keeps the tokens. @throws NotAuthenticatedError (LOGIN_FAILED), RateLimitedError (LOGIN_THROTTLED) */
export async function login(api: Api, request: LoginRequest, options: RequestOptions): Promise<SessionTokens> {
  const { sessionStore, now } = sessionOptions(api)
  const call = { method: 'POST', path: paths.login, body: request, isAnonymous: true } as const
  const tokens = tokensOf(await api.change<TokenResponse>(call, options), now())
  await sessionStore.save(tokens)
  return tokens
}

/** Renews the tokens now. @throws SessionEndedError */
export async function refresh(api: Api, { signal }: RequestOptions): Promise<SessionTokens> {
  const { sessionStore } = sessionOptions(api)
  const before = await sessionStore.load()
  if (before === undefined) throw new SessionEndedError()
  await api.session.renew(before.accessToken, signal)
  const tokens = await sessionStore.load()
  if (tokens === undefined) throw new SessionEndedError()
  return tokens
}

/** Ends the login at the gateway and forgets its tokens. One that has ended already is no error. */
export async function logout(api: Api, options: RequestOptions): Promise<void> {
  const { sessionStore } = sessionOptions(api)
  const tokens = await sessionStore.load()
  if (tokens === undefined) return
  const body: LogoutRequest = { refresh_token: tokens.refreshToken }
  try {
    await api.change({ method: 'POST', path: paths.logout, body }, options)
  } catch (error) {
    if (!(error instanceof NotAuthenticatedError) && !(error instanceof SessionEndedError)) throw error
  }
  await sessionStore.save(undefined)
}

/** Changes the caller's own password. Every token of the user ends with it; a client that was logged in logs in again. */
export async function changePassword(
  api: Api,
  passwords: { readonly current: string; readonly next: string },
  options: RequestOptions,
): Promise<void> {
  const { current, next } = passwords
  const { name } = await api.read<MeView>(paths.me, options)
  const body = { current_password: current, new_password: next }
  await api.change({ method: 'POST', path: paths.password, body }, options)
  if (usesSession(api)) await login(api, { username: name, password: next }, options)
}

function sessionOptions(api: Api): Api['options'] {
  if (usesSession(api)) return api.options
  throw new TypeError('client: a client that was given apiKey or authToken does not log in; make one without')
}

function usesSession({ options: { apiKey, authToken } }: Api): boolean {
  return apiKey === undefined && authToken === undefined
}
