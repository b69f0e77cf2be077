import {
  addressRange,
  bindAddress,
  databaseUrl,
  hostName,
  httpUrl,
  list,
  listenAddress,
  oneOf,
  origin,
  type Parser,
  path,
  processCount,
  rateRule,
  seconds,
  text,
  wholeNumber,
  yesOrNo,
} from './parsers.js'
import { tokenIssuers } from './token-issuer.js'

/** One setting: a flag, an environment variable, a key of the configuration file. */
export interface Setting<T> {
  readonly parser: Parser<T>
  readonly description: string
  /** For people, where the default is worked out or means "nothing". */
  readonly defaultText: string
  readonly default: T | undefined
  /** Further names after `MCP_GATEWAY_`, the seed's among them; in the file in lower case. */
  readonly also?: readonly string[] | undefined
  /** Environment variables outside `MCP_GATEWAY_`, looked at last. */
  readonly foreign?: readonly string[] | undefined
  /** How to show the value: hides what is secret in it. */
  readonly show?: ((value: T) => unknown) | undefined
}

type Extras<T> = Pick<Setting<T>, 'also' | 'foreign' | 'show'>

/** A setting with a default. */
function given<T>(parser: Parser<T>, value: NoInfer<T>, description: string, extras: Extras<T> = {}) {
  return { parser, description, default: value, defaultText: JSON.stringify(value), ...extras } satisfies Setting<T>
}

/** A setting that is undefined where nobody gave it; `meaning` says what holds then. */
function absent<T>(parser: Parser<T>, meaning: string, description: string, extras: Extras<T> = {}) {
  return { parser, description, default: undefined, defaultText: meaning, ...extras } satisfies Setting<T>
}

const DAY = 86_400

/** Every setting of the gateway. The key here is its name in `Settings`; `names.ts` derives the others. */
export const SETTINGS = {
  host: given(bindAddress(), '127.0.0.1', 'Address to listen on.'),
  port: given(wholeNumber(0, 65_535), 8080, 'Port to listen on; 0 takes a free one.', { foreign: ['PORT'] }),
  publicUrl: absent(httpUrl(), 'the address listened on', 'URL by which callers reach the gateway.'),
  nodeUrl: absent(
    httpUrl(),
    'the address listened on',
    'URL by which other nodes with the same database reach this one.',
  ),
  allowedHost: given(
    list(hostName()),
    [],
    '`Host` names that are served besides loopback, the bind and the public URL.',
  ),
  allowedOrigin: given(list(origin()), [], 'Web origins that may send requests.'),
  corsOrigin: given(list(origin()), [], 'Web origins whose scripts may also read answers (CORS).'),
  adminListen: absent(
    listenAddress(),
    'the main listener',
    'Listener of its own for everything but `/mcp` and `/health`.',
  ),
  tlsCert: absent(path(), 'plain HTTP', 'Certificate chain in PEM; needs `tls_key`.'),
  tlsKey: absent(path(), 'plain HTTP', 'Private key in PEM; needs `tls_cert`.'),
  behindProxy: given(yesOrNo(), false, 'A proxy in front does TLS: no warning about plain HTTP.'),
  trustedProxy: given(list(addressRange()), [], 'Proxies whose `X-Forwarded-For` is believed.'),
  auth: absent(yesOrNo(), 'off on a loopback address, else on', 'Every request needs a credential.'),
  insecure: given(yesOrNo(), false, 'Allow `auth` off on an address that is not loopback.'),
  tokenIssuer: given(
    tokenIssuers(),
    [],
    'Issuers besides the gateway whose access tokens are taken; needs `public_url`. See docs/configuration.md.',
    { also: ['TOKEN_ISSUERS'] },
  ),
  rateLimit: given(
    list(rateRule()),
    [],
    'Limits such as `principal=600/minute`; of `address`, `unauthenticated`, `login`, `principal`, `template[:GLOB]`, `tool[:TEMPLATE/TOOL]`, per `s`, `m` or `h`.',
  ),
  passwordMemory: given(
    wholeNumber(19, 256),
    19,
    'MiB that hashing a password takes (argon2id). Raised: each password is hashed anew at its next login.',
  ),
  passwordPasses: given(wholeNumber(2, 16), 2, 'Passes over that memory. Raised: likewise.'),
  allowedUpstream: given(
    list(addressRange()),
    [],
    'Private address ranges in which servers may be; without them only public addresses, and this machine on a loopback bind.',
  ),
  stdioMode: absent(
    oneOf('off', 'profiles', 'commands'),
    'commands on a loopback address, else profiles',
    'Which stdio servers may be registered: none, launch profiles, any command.',
  ),
  launchProfiles: absent(path(), 'none', 'File of the launch profiles of this machine (JSON or YAML), read at start.'),
  database: absent(databaseUrl(), 'SQLite in the state folder', 'Where the registry is kept.', {
    also: ['DATABASE_URL'],
    show: hidePassword,
  }),
  databasePoolSize: given(wholeNumber(1, 1_000), 10, 'Connections to the database at most.'),
  databaseAcquireTimeout: given(seconds(0.1, 60), 2, 'Time to get a connection to the database.'),
  databaseStatementTimeout: given(seconds(0.1, 600), 2, 'Time that one statement of the database may take.'),
  migrate: given(yesOrNo(), true, 'Bring the database schema up to date at start.'),
  stateDir: absent(path(), '~/.mcpp', 'Folder for the database, the local admin token and the lock.', {
    foreign: ['MCPP_STATE_DIR'],
  }),
  registryFile: absent(path(), 'none', 'Registry file, loaded at start and again when it changes.'),
  sync: given(yesOrNo(), true, 'Load the registry file at start and watch it.'),
  strategy: given(
    oneOf('round_robin', 'least_connections', 'weighted', 'health_based', 'random', 'peak_ewma', 'rendezvous'),
    'round_robin',
    'Balancing strategy of templates that set none.',
    { also: ['DEFAULT_STRATEGY'] },
  ),
  healthInterval: given(seconds(0.1, DAY), 30, 'Time between health checks of templates that set none.'),
  healthTimeout: given(seconds(0.1, 600), 10, 'Time a health check may take, for templates that set none.'),
  maxRetries: given(wholeNumber(0, 100), 3, 'Further attempts of a call that may be repeated.'),
  region: absent(text(), 'none', 'Region of this node; instances of the same region come first.'),
  maxStale: given(seconds(0.1, DAY), 900, 'With a region: how long it serves on without the database.'),
  workers: given(processCount(256), 1, 'Processes that serve MCP traffic; `auto`: one per core.'),
  warmUp: given(seconds(0, 10), 1, 'Time at most to warm up in before readiness, by calls to itself; 0: none.'),
  drainDelay: given(seconds(0, 600), 0, 'Time to serve on after readiness has turned 503 at shutdown.'),
  logLevel: given(oneOf('debug', 'info', 'warn', 'error', 'silent'), 'info', 'Least severe log line that is written.'),
  logFormat: absent(oneOf('json', 'pretty'), 'pretty on a terminal, else json', 'Form of the log.'),
}

type ValueOf<S> = S extends { parser: Parser<infer T>; default: infer D }
  ? T | (D extends undefined ? undefined : never)
  : never

/** The settings of one gateway, parsed; what nobody gave and has no default is undefined. */
export type Settings = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> }

/** The name of a setting in {@link Settings}. */
export type SettingName = keyof Settings

/** Every name of {@link SETTINGS} in the order of the table. */
export const settingNames: readonly SettingName[] = Object.keys(SETTINGS).filter((name): name is SettingName =>
  Object.hasOwn(SETTINGS, name),
)

/** A database URL for people: its password as `***`. */
export function hidePassword(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/[^/?#@]*?):[^/?#]*@/i, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***')
}
