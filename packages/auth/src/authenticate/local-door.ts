import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from '../principal.js'

/** A credential that is configured on this machine. */
export interface LocalCredential {
  /** The secret itself; kept as its hash. */
  readonly token: string
  readonly principal: Principal
}

const MIN_TOKEN_LENGTH = 32

/** Knows the credentials of this machine. */
export class LocalDoor {
  readonly #known: readonly { readonly digest: Buffer; readonly principal: Principal }[]

  constructor(credentials: readonly LocalCredential[]) {
    this.#known = credentials.map(({ token, principal }) => {
      if (token.length < MIN_TOKEN_LENGTH) {
        throw new RangeError(`auth: a local token must have at least ${MIN_TOKEN_LENGTH} characters`)
      }
      return { digest: createHash('sha256').update(token).digest(), principal }
    })
  }

  /** @param digest SHA-256 of the credential, base64url: digests have one length, and comparing them takes one time */
  find(digest: string): Principal | undefined {
    if (this.#known.length === 0) return undefined
    const given = Buffer.from(digest, 'base64url')
    return this.#known.find((known) => timingSafeEqual(known.digest, given))?.principal
  }
}
