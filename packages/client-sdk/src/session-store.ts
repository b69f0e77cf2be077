/** What a login gives. */
export interface SessionTokens {
  readonly accessToken: string
  /** When the access token ends; absent: it is used until the gateway refuses it. */
  readonly expiresAt?: Date | undefined
  /** Single use: renewing gives a new one. Absent: the session ends with its access token. */
  readonly refreshToken?: string | undefined
}

/** Keeps the tokens of one login. Give one to share a login with other processes, or to keep it over restarts. */
export interface SessionStore {
  load(): Promise<SessionTokens | undefined>
  /** Undefined: the login has ended. */
  save(tokens: SessionTokens | undefined): Promise<void>
  /**
   * Runs `work` while nobody else who shares the tokens does. Needed where several share them: a refresh token that is used
   * twice ends the login. @default just runs it
   */
  exclusively?<T>(work: () => Promise<T>): Promise<T>
}

/** A store that lives as long as the client. */
export function memorySessionStore(tokens?: SessionTokens): SessionStore {
  let held = tokens
  return {
    load: async () => held,
    save: async (next) => {
      held = next
    },
  }
}
