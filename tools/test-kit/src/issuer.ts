import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Stoppable, stoppable } from './lifecycle.js'

/** What a {@link TestIssuer} can sign with. */
export type IssuerAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

/** How the issuer answers from now on. */
export type IssuerMode =
  | 'serve'
  /** Everything is 503. */
  | 'fail'
  /** Takes requests and never answers. */
  | 'hang'
  /** Sends everybody to {@link TestIssuer.redirectTo}. */
  | 'redirect'

/** An identity provider with real keys: discovery documents, a key set, and tokens as it would issue them. */
export interface TestIssuer extends Stoppable {
  /** What its tokens have as `iss`. */
  readonly url: string
  readonly jwksUrl: string
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[]
  mode: IssuerMode
  redirectTo: string
  /** Id of the key that signs now. */
  readonly kid: string
  /** An access token: of this issuer, for five minutes, with `claims` and `header` over what it would say. */
  token(claims: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): string
  /** Signs with a new key from now on. The one before stays published, unless `withdraw`. */
  rotate(options?: { readonly algorithm?: IssuerAlgorithm; readonly withdraw?: boolean }): void
}

interface Key {
  readonly kid: string
  readonly algorithm: IssuerAlgorithm
  readonly privateKey: KeyObject
  readonly jwk: object
}

/** Starts an issuer on a free port of 127.0.0.1. */
export async function startIssuer(options: { readonly algorithm?: IssuerAlgorithm } = {}): Promise<TestIssuer> {
  const issuer = new Issuing(options.algorithm ?? 'RS256')
  const server = createServer((request, response) => issuer.answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address !== null && typeof address === 'object') issuer.url = `http://127.0.0.1:${address.port}`
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return Object.assign(issuer, stoppable(stop))
}

class Issuing {
  url = ''
  mode: IssuerMode = 'serve'
  redirectTo = ''
  readonly requests: string[] = []
  #keys: readonly Key[]
  #current: Key

  constructor(algorithm: IssuerAlgorithm) {
    this.#current = makeKey(algorithm)
    this.#keys = [this.#current]
  }

  get jwksUrl(): string {
    return `${this.url}/jwks`
  }

  get kid(): string {
    return this.#current.kid
  }

  token(claims: Readonly<Record<string, unknown>>, header: Readonly<Record<string, unknown>> = {}): string {
    const { kid, algorithm, privateKey } = this.#current
    const now = Math.floor(Date.now() / 1_000)
    const all = { iss: this.url, sub: 'u-1', iat: now, exp: now + 300, jti: randomUUID(), ...claims }
    const input = `${encode({ alg: algorithm, kid, typ: 'at+jwt', ...header })}.${encode(all)}`
    return `${input}.${signatureOf(input, algorithm, privateKey).toString('base64url')}`
  }

  rotate(options: { readonly algorithm?: IssuerAlgorithm; readonly withdraw?: boolean } = {}): void {
    const { algorithm = this.#current.algorithm, withdraw = false } = options
    const next = makeKey(algorithm)
    this.#keys = withdraw ? [next] : [...this.#keys, next]
    this.#current = next
  }

  answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    this.requests.push(url)
    if (this.mode === 'hang') return
    if (this.mode === 'redirect') response.writeHead(302, { location: this.redirectTo }).end()
    else if (this.mode === 'fail') response.writeHead(503).end()
    else this.#serve(url, response)
  }

  #serve(path: string, response: ServerResponse): void {
    const { url: issuer, jwksUrl } = this
    const documents: Readonly<Record<string, unknown>> = {
      '/jwks': { keys: this.#keys.map(({ jwk }) => jwk) },
      '/.well-known/openid-configuration': {
        issuer,
        jwks_uri: jwksUrl,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        code_challenge_methods_supported: ['S256'],
      },
    }
    const document = Object.hasOwn(documents, path) ? documents[path] : undefined
    const status = document === undefined ? 404 : 200
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document ?? {}))
  }
}

function makeKey(algorithm: IssuerAlgorithm): Key {
  const { privateKey, publicKey } = keyPair(algorithm)
  const parts = publicKey.export({ format: 'jwk' })
  const kid = createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16)
  return { kid, algorithm, privateKey, jwk: { ...parts, kid, alg: algorithm, use: 'sig' } }
}

function keyPair(algorithm: IssuerAlgorithm): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2_048 })
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return generateKeyPairSync('ed25519')
}

function signatureOf(input: string, algorithm: IssuerAlgorithm, key: KeyObject): Buffer {
  const bytes = Buffer.from(input)
  if (algorithm === 'EdDSA') return sign(null, bytes, key)
  return sign('sha256', bytes, algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key)
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
