import { CredentialInvalidError } from '../errors.js'
import { isObject, type JsonObject } from '../json-object.js'
import { parseStrictJson } from '../strict-json.js'

/** The longest token that is looked at, in characters. */
export const MAX_TOKEN_LENGTH = 8_192
const MAX_NAME_LENGTH = 256
const SEGMENT = /^[A-Za-z0-9_-]+$/
// Keys that come with the token, extensions that change how it is read, and encrypted tokens.
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc', 'epk', 'cty']

/** A signed token (JWS compact form, RFC 7515) whose shape is right and of which nothing is proven yet. */
export interface CompactToken {
  readonly text: string
  readonly header: JsonObject
  readonly claims: JsonObject
  /** As the token says; only ever used to look up a key that we have. */
  readonly kid: string
  /** As the token says; must be the algorithm that is configured for the key. */
  readonly alg: string
  readonly issuer: string
}

/**
 * Takes a token apart and refuses whatever is not plain: other than three segments, foreign characters, loose base64,
 * duplicate members, keys and extensions in the header. No key is touched before this has passed.
 * @throws CredentialInvalidError `malformed`
 */
export function parseCompact(text: string): CompactToken {
  if (text.length > MAX_TOKEN_LENGTH) throw new CredentialInvalidError('malformed')
  const [headerText, claimsText, signature, ...rest] = text.split('.')
  if (headerText === undefined || claimsText === undefined || signature === undefined || rest.length > 0) {
    throw new CredentialInvalidError('malformed')
  }
  decodeSegment(signature)
  const header = decodeObject(headerText)
  const claims = decodeObject(claimsText)
  if (FORBIDDEN_HEADERS.some((name) => Object.hasOwn(header, name))) throw new CredentialInvalidError('malformed')
  return {
    text,
    header,
    claims,
    kid: shortText(header['kid']),
    alg: shortText(header['alg']),
    issuer: shortText(claims['iss']),
  }
}

function decodeObject(segment: string): JsonObject {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(decodeSegment(segment))
    const value = parseStrictJson(text)
    if (isObject(value)) return value
  } catch (error) {
    throw new CredentialInvalidError('malformed', { cause: error })
  }
  throw new CredentialInvalidError('malformed')
}

// Encoded again it must be the same text: else one signature would have many spellings.
function decodeSegment(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url')
  if (!SEGMENT.test(segment) || bytes.toString('base64url') !== segment) throw new CredentialInvalidError('malformed')
  return bytes
}

function shortText(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_LENGTH) return value
  throw new CredentialInvalidError('malformed')
}
