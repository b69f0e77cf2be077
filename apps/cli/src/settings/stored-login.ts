import type { SessionStore, SessionTokens } from '@mcp-platform/client'
import { underLock } from './file-lock.js'
import { changeProfiles, loadProfiles, type ProfilesDocument, type StoredLogin } from './profiles.js'

/** Which login of which configuration file. */
export interface LoginPlace {
  readonly path: string
  readonly profile: string
  /** Origin of the gateway that it is for; tokens of another are not touched. */
  readonly origin: string
}

/** Notes a login in a profile, instead of the one before. */
export function storeLogin({ path, profile }: LoginPlace, login: StoredLogin): Promise<void> {
  return changeProfiles(path, (document) => withLogin(document, profile, login))
}

/** Forgets the login of a profile. */
export function forgetLogin({ path, profile }: LoginPlace): Promise<void> {
  return changeProfiles(path, (document) => withLogin(document, profile, undefined))
}

/** The tokens of a profile for the client, shared by all `mcpp` that run: only one renews them at a time. */
export function profileSessionStore(place: LoginPlace): SessionStore {
  const { path, profile, origin } = place
  const current = (document: ProfilesDocument): StoredLogin | undefined => {
    const login = document.profiles[profile]?.login
    return login?.origin === origin ? login : undefined
  }
  return {
    load: async () => tokensOf(current(await loadProfiles(path))),
    save: (tokens) =>
      changeProfiles(path, (document) => {
        const login = current(document)
        return login === undefined ? document : withLogin(document, profile, { ...bare(login), ...stored(tokens) })
      }),
    exclusively: (work) => underLock(`${path}.login.lock`, work),
  }
}

/** Tokens as a profile keeps them. */
export function stored(tokens: SessionTokens | undefined): Omit<StoredLogin, 'origin' | 'user'> {
  if (tokens === undefined) return {}
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    expires_at: tokens.expiresAt?.toISOString(),
  }
}

// Whose it was stays when the login has ended: the next command can say so.
function bare({ origin, user }: StoredLogin): StoredLogin {
  return { origin, user }
}

function withLogin(document: ProfilesDocument, name: string, login: StoredLogin | undefined): ProfilesDocument {
  const { login: _, ...others } = document.profiles[name] ?? {}
  const profile = login === undefined ? others : { ...others, login }
  return { ...document, profiles: { ...document.profiles, [name]: profile } }
}

function tokensOf(login: StoredLogin | undefined): SessionTokens | undefined {
  if (login?.access_token === undefined) return undefined
  return {
    accessToken: login.access_token,
    refreshToken: login.refresh_token,
    expiresAt: login.expires_at === undefined ? undefined : new Date(login.expires_at),
  }
}
