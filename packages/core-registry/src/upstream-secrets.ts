// Names only: values are secrets and are never repeated in a message.

const MAX_PEM_CHARACTERS = 65_536

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

// Hop-by-hop (RFC 9110 §7.6.1), framing, and what the gateway itself writes into every request.
const REFUSED_HEADERS = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

// Variables that make a program load other code: setting one is as good as choosing the command.
const REFUSED_ENV = new Set([
  'BASH_ENV',
  'ENV',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  '_JAVA_OPTIONS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'PATH',
  'PERL5LIB',
  'PERL5OPT',
  'PYTHONHOME',
  'PYTHONPATH',
  'PYTHONSTARTUP',
  'RUBYLIB',
  'RUBYOPT',
])
const REFUSED_ENV_PATTERNS = [/^LD_/, /^DYLD_/, /^GIT_.*SSH/, /^NPM_CONFIG_/]

/** Says what is wrong with a header sent to an instance; undefined when it is right. */
export function headerFault(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return 'is not a valid header name'
  const lower = name.toLowerCase()
  if (REFUSED_HEADERS.has(lower) || lower.startsWith('mcp-')) return 'is set by the gateway itself and cannot be given'
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return 'has a value with a line break, control or non-Latin-1 character'
  return undefined
}

/** Says what is wrong with certificates or a key of an upstream; undefined when it looks right. */
export function pemFault(pem: string, what: 'CERTIFICATE' | 'PRIVATE KEY'): string | undefined {
  if (pem.length > MAX_PEM_CHARACTERS) return `must have at most ${MAX_PEM_CHARACTERS} characters`
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(pem)) return 'must be a private key without a passphrase'
  const found = new RegExp(`-----BEGIN (?:[A-Z0-9]+ )?${what}-----[\\s\\S]+-----END (?:[A-Z0-9]+ )?${what}-----`).test(
    pem,
  )
  return found ? undefined : `must be PEM text ("-----BEGIN ${what}-----")`
}

/** Says what is wrong with an environment variable of a child process; undefined when it is right. */
export function envFault(name: string, value: string): string | undefined {
  if (!ENV_NAME.test(name)) return 'is not a valid variable name (letters, digits and "_", not beginning with a digit)'
  const upper = name.toUpperCase()
  if (REFUSED_ENV.has(upper) || REFUSED_ENV_PATTERNS.some((pattern) => pattern.test(upper))) {
    return 'cannot be set: it makes programs load other code; start the program through a script that sets it'
  }
  return value.includes('\0') ? 'has a value with a NUL character' : undefined
}
