import { parseArgs } from 'node:util'
import type { Guest, Upstream } from './contestants.ts'
import type { Dialect } from './load/dialects.ts'

/** What a run does. */
export interface BenchOptions {
  /** Few seconds, one round, wrong answers only: for CI. */
  readonly short: boolean
  readonly rounds: number
  readonly connections: readonly number[]
  /** Worker processes of further gateways, one gateway for each number. */
  readonly workers: readonly number[]
  /** Only contestants whose name holds this, besides direct and nginx. */
  readonly only: string | undefined
  /** Present: an open loop at this rate. */
  readonly openLoopRate: number | undefined
  readonly guests: readonly Guest[]
  readonly upstreamPorts: { readonly null: number; readonly sdk: number } | undefined
  /** Waits for Enter before measuring, so that a guest can be started. */
  readonly wait: boolean
}

/** For `--help`. */
export const USAGE = `usage: node bench/run.ts [options]

  --short                 a few seconds per case, one round; fails on wrong answers and on no time
  --open-loop RATE        requests due at RATE per second at 64 connections; latency from the intended send time
  --connections 1,16,64   numbers of connections
  --rounds N              interleaved rounds (5)
  --workers 2,4           workers of further gateways, one gateway for each number (2 and one per core; 1: none)
  --only TEXT             only rows whose name holds TEXT (direct and nginx stay)
  --also NAME=URL         another gateway in the same run; more by commas: dialect=modern|legacy|rest, upstream=null|sdk, pid=N
  --upstream-ports N,M    fixed ports for the null upstream and the SDK server, to point that gateway at
  --wait                  start the upstreams, wait for Enter, then measure`

/**
 * Reads the command line.
 * @throws TypeError with a sentence for a person
 */
export function readOptions(args: readonly string[], cores: number): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      'open-loop': { type: 'string' },
      connections: { type: 'string' },
      rounds: { type: 'string' },
      workers: { type: 'string' },
      only: { type: 'string' },
      also: { type: 'string', multiple: true, default: [] },
      'upstream-ports': { type: 'string' },
      wait: { type: 'boolean', default: false },
    },
  })
  const { short, only, wait } = values
  const rate = values['open-loop']
  const fallback = rate !== undefined ? '64' : short ? '1,16' : '1,16,64'
  return {
    short,
    only,
    wait,
    rounds: positive('--rounds', values.rounds ?? (short ? '1' : '5')),
    connections: numbers('--connections', values.connections ?? fallback),
    workers: numbers('--workers', values.workers ?? `2,${Math.max(cores, 2)}`).filter((count) => count > 1),
    openLoopRate: rate === undefined ? undefined : positive('--open-loop', rate),
    guests: values.also.map(readGuest),
    upstreamPorts: readPorts(values['upstream-ports']),
  }
}

/** Different whole numbers above 0, in the order given. */
function numbers(flag: string, text: string): readonly number[] {
  return [...new Set(text.split(',').map((part) => positive(flag, part)))]
}

/** A whole number above 0 from the command line. */
export function positive(flag: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`${flag} must be a whole number above 0, got ${text}`)
  return value
}

function readPorts(text: string | undefined): { null: number; sdk: number } | undefined {
  if (text === undefined) return undefined
  const [none = '', sdk = ''] = text.split(',')
  return { null: positive('--upstream-ports', none), sdk: positive('--upstream-ports', sdk) }
}

/** `name=http://…/mcp,dialect=legacy,upstream=sdk,pid=123` */
function readGuest(text: string): Guest {
  const [first = '', ...rest] = text.split(',')
  const [name = '', url = ''] = splitOnce(first)
  if (name === '' || !URL.canParse(url)) throw new TypeError(`--also must be NAME=URL, got ${text}`)
  const more = Object.fromEntries(rest.map(splitOnce))
  return {
    name,
    url,
    dialect: oneOf<Dialect>('dialect', more['dialect'] ?? 'legacy', ['modern', 'legacy', 'rest']),
    upstream: oneOf<Upstream>('upstream', more['upstream'] ?? 'null', ['null', 'sdk']),
    pid: more['pid'] === undefined ? undefined : positive('pid', more['pid']),
  }
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function oneOf<T extends string>(what: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found === undefined) throw new TypeError(`${what} must be one of ${allowed.join(', ')}, got ${text}`)
  return found
}
