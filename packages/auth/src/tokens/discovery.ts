import { AuthUnavailableError } from '../errors.js'
import { isObject } from '../json-object.js'
import { type FetchFunction, fetchJson } from './fetch-json.js'

/**
 * Asks an issuer where its keys are: OpenID Connect Discovery 1.0, then OAuth metadata (RFC 8414).
 * The document must name the issuer exactly, else anybody's could be put in its place; the keys of an issuer on `https`
 * are on `https` too.
 * @throws AuthUnavailableError naming what was tried
 */
export async function discoverKeySetUrl(issuer: string, fetch: FetchFunction): Promise<string> {
  const causes: unknown[] = []
  for (const url of metadataUrls(issuer)) {
    try {
      return keySetUrl(await fetchJson(fetch, url), issuer)
    } catch (error) {
      causes.push(error)
    }
  }
  const message = `${issuer} does not say where its keys are`
  throw new AuthUnavailableError(message, { cause: new AggregateError(causes, message) })
}

// OpenID Connect appends its path to the issuer; OAuth puts it between host and path.
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

function keySetUrl(document: unknown, issuer: string): string {
  const { issuer: named, jwks_uri: url } = isObject(document) ? document : {}
  if (named !== issuer) throw new AuthUnavailableError(`the document is not that of ${issuer}`)
  if (typeof url !== 'string' || !URL.canParse(url)) throw new AuthUnavailableError('the document names no jwks_uri')
  if (new URL(issuer).protocol === 'https:' && new URL(url).protocol !== 'https:') {
    throw new AuthUnavailableError('the keys are not on https')
  }
  return url
}
