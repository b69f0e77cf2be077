import { headerNames } from '@mcp-platform/contract'
import { type ResolvedOptions, requireToken } from './options.js'
import type { Session } from './session.js'

/** What one request carries, and the token of the session if that is what it carries. */
export interface RequestCredential {
  readonly headers: Readonly<Record<string, string>>
  readonly sessionToken?: string | undefined
}

/** A key or a token that was given, else the session. */
export async function credentialFor(
  { apiKey, authToken }: Pick<ResolvedOptions, 'apiKey' | 'authToken'>,
  session: Session,
  signal: AbortSignal | undefined,
): Promise<RequestCredential> {
  if (apiKey !== undefined) return { headers: { [headerNames.apiKey]: apiKey } }
  if (authToken !== undefined) {
    return bearer(typeof authToken === 'string' ? authToken : requireToken('authToken', await authToken()))
  }
  const sessionToken = await session.accessToken(signal)
  return sessionToken === undefined ? { headers: {} } : { ...bearer(sessionToken), sessionToken }
}

/** A token where it belongs. */
export function bearer(token: string): RequestCredential {
  return { headers: { authorization: `Bearer ${token}` } }
}
