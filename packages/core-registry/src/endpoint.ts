import { isMetadataHost } from './metadata-hosts.js'

const MAX_LENGTH = 2_048

/**
 * Says what is wrong with an instance's URL; undefined when it may be registered.
 * Looks at the text only: where a name leads is checked when the connection is made.
 * The message never repeats the URL, because a bad one may carry a password.
 */
export function endpointFault(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `must have at most ${MAX_LENGTH} characters, got ${text.length}`
  if (/[\s\p{Cc}]/u.test(text)) return 'must not hold spaces or control characters'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return 'is not a URL; expected something like http://host:7071 or https://host/mcp'
  return schemeFault(url) ?? authorityFault(url)
}

function schemeFault(url: URL): string | undefined {
  if (url.protocol === 'http:' || url.protocol === 'https:') return undefined
  // `localhost:7071` parses as the scheme "localhost".
  return `must begin with http:// or https://, got the scheme ${JSON.stringify(url.protocol)}`
}

function authorityFault(url: URL): string | undefined {
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user name or password; give credentials in "headers"'
  }
  if (url.hash !== '') return 'must not hold a fragment (#…): it is never sent to a server'
  if (url.port === '0') return 'must not name port 0'
  if (isMetadataHost(url.hostname)) return 'leads to a cloud metadata service, which is always refused'
  return undefined
}
