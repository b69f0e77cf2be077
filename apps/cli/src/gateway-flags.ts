import { Flags } from '@oclif/core'
import { repeatable } from './repeatable-flag.js'

const helpGroup = 'GATEWAY'

// Values stay text: the gateway reads flags, environment and file with one parser and says what is wrong with each.
function value(description: string, helpValue: string) {
  return Flags.string({ description, helpValue, helpGroup })
}

function values(description: string, helpValue: string) {
  return repeatable(description, helpValue, helpGroup)
}

function either(description: string) {
  return Flags.boolean({ description, helpGroup, allowNo: true })
}

/** Settings of a gateway as flags of `gateway start` and `gateway config`; each is also `MCP_GATEWAY_<NAME>`. */
export const gatewayFlags = {
  host: value('address to listen on [127.0.0.1]', 'ADDRESS'),
  port: value('port to listen on; 0 takes a free one [8080]', 'PORT'),
  'public-url': value('URL by which callers reach the gateway', 'URL'),
  'node-url': value('URL by which other nodes reach this one', 'URL'),
  'allowed-host': values('further Host name to serve', 'NAME'),
  'allowed-origin': values('web origin that may send requests', 'ORIGIN'),
  'cors-origin': values('web origin whose scripts may read answers', 'ORIGIN'),
  'admin-listen': value('listener of its own for management', 'HOST:PORT'),
  'tls-cert': value('certificate chain, PEM', 'FILE'),
  'tls-key': value('private key, PEM', 'FILE'),
  'behind-proxy': either('a proxy in front does TLS'),
  'trusted-proxy': values('proxy whose X-Forwarded-For is believed', 'ADDRESS'),
  auth: either('every request needs a credential [off on loopback]'),
  insecure: either('allow --no-auth on an address that is not loopback'),
  'token-issuer': values('issuer whose access tokens are taken, as JSON', 'JSON'),
  'password-memory': value('MiB that hashing a password takes [19]', 'MIB'),
  'password-passes': value('passes over that memory [2]', 'COUNT'),
  'rate-limit': values('limit, such as principal=600/minute', 'LIMIT'),
  'allowed-upstream': values('private address range in which servers may be', 'CIDR'),
  'stdio-mode': value('which stdio servers may be registered: off, profiles, commands', 'MODE'),
  'launch-profiles': value('launch profiles of this machine, read at start', 'FILE'),
  database: value('where the registry is kept [SQLite in the state folder]', 'URL'),
  'database-pool-size': value('connections to the database at most [10]', 'COUNT'),
  'database-acquire-timeout': value('seconds to wait for a connection to it [2]', 'SECONDS'),
  'database-statement-timeout': value('seconds one statement of it may take [2]', 'SECONDS'),
  migrate: either('bring the database schema up to date at start [on]'),
  'state-dir': value('folder for database, admin token, log [~/.mcpp]', 'FOLDER'),
  'registry-file': value('registry file, loaded again when it changes', 'FILE'),
  sync: either('load and watch the registry file [on]'),
  strategy: value('default balancing strategy [round_robin]', 'NAME'),
  'health-interval': value('seconds between health checks [30]', 'SECONDS'),
  'health-timeout': value('seconds a health check may take [10]', 'SECONDS'),
  'max-retries': value('further attempts of a call that may be repeated [3]', 'COUNT'),
  region: value('region of this node', 'NAME'),
  'max-stale': value('seconds a region serves on without the database [900]', 'SECONDS'),
  workers: value('processes that serve MCP traffic [1]', 'COUNT'),
  'warm-up': value('seconds at most to warm up in before readiness [1]', 'SECONDS'),
  'drain-delay': value('seconds to serve on at shutdown [0]', 'SECONDS'),
  'log-level': value('debug, info, warn, error or silent [info]', 'LEVEL'),
  'log-format': value('json or pretty', 'FORMAT'),
}

/** The file with settings; not one itself. */
export const configFileFlag = {
  config: Flags.string({ description: 'settings file, JSON or YAML', helpValue: 'FILE', helpGroup }),
}

/** Picks the settings that were given among all parsed flags. */
export function givenSettings(flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.keys(gatewayFlags).filter((name) => flags[name] !== undefined)
  return Object.fromEntries(given.map((name) => [name, flags[name]]))
}
