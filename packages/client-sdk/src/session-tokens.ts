import type { TokenResponse } from '@mcp-platform/contract'
import type { SessionTokens } from './session-store.js'

/** The tokens of an answer to a login or a renewal. @param now milliseconds since 1970, of this machine's clock */
export function tokensOf(response: TokenResponse, now: number): SessionTokens {
  return {
    accessToken: response.access_token,
    expiresAt: new Date(now + response.expires_in * 1_000),
    refreshToken: response.refresh_token,
  }
}
