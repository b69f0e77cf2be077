import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { parseRateRule } from '../identity/rate-rule.js'

/** A value that was read, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly fault: string }

/** Reads one raw value; `folder` is what relative paths are relative to. Flags and files may give typed values. */
export interface Parser<T> {
  /** For the table of settings: `seconds`, `path`, `json | pretty`. */
  readonly kind: string
  parse(raw: unknown, folder: string): Parsed<T>
}

/** A text that is not blank; space around it goes. */
export function text(): Parser<string> {
  return {
    kind: 'text',
    parse: (raw) => (typeof raw === 'string' && raw.trim() !== '' ? { value: raw.trim() } : expected('a text', raw)),
  }
}

/** A path; a relative one is relative to the folder of the file it stands in, else to the working folder. */
export function path(): Parser<string> {
  return {
    kind: 'path',
    parse: (raw, folder) =>
      typeof raw === 'string' && raw !== '' ? { value: resolve(folder, raw) } : expected('a path', raw),
  }
}

/** A whole number, both bounds included. */
export function wholeNumber(min: number, max: number): Parser<number> {
  return numeric('number', `a whole number from ${min} to ${max}`, (n) => Number.isInteger(n) && n >= min && n <= max)
}

/** A number of processes; `auto` is as many as this process may use cores. */
export function processCount(max: number): Parser<number> {
  const counted = wholeNumber(1, max)
  return {
    kind: 'number | auto',
    parse: (raw, folder) => {
      if (raw === 'auto') return { value: Math.min(max, availableParallelism()) }
      const parsed = counted.parse(raw, folder)
      return 'value' in parsed ? parsed : expected(`a whole number from 1 to ${max}, or auto`, raw)
    },
  }
}

/** Seconds, with a fraction or without, both bounds included. */
export function seconds(min: number, max: number): Parser<number> {
  return numeric('seconds', `seconds from ${min} to ${max}`, (n) => n >= min && n <= max)
}

function numeric(kind: string, what: string, fits: (n: number) => boolean): Parser<number> {
  return {
    kind,
    parse(raw) {
      const n = typeof raw === 'string' && /^[+-]?\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw
      return typeof n === 'number' && fits(n) ? { value: n } : expected(what, raw)
    },
  }
}

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** True or false; in texts also yes, on, 1, no, off, 0. */
export function yesOrNo(): Parser<boolean> {
  return {
    kind: 'true | false',
    parse(raw) {
      if (typeof raw === 'boolean') return { value: raw }
      const word = typeof raw === 'string' ? raw.trim().toLowerCase() : ''
      return Object.hasOwn(WORDS, word) ? { value: WORDS[word] === true } : expected('true or false', raw)
    },
  }
}

/** One of these words. */
export function oneOf<const T extends string>(...choices: readonly T[]): Parser<T> {
  return {
    kind: choices.join(' | '),
    parse(raw) {
      const value = choices.find((choice) => choice === raw)
      return value === undefined ? expected(`one of ${choices.join(', ')}`, raw) : { value }
    },
  }
}

/** Several values: a list, or a text with commas. */
export function list(item: Parser<string>): Parser<readonly string[]> {
  return {
    kind: `list of ${item.kind}`,
    parse(raw, folder) {
      const parts = typeof raw === 'string' ? raw.split(',').filter((part) => part.trim() !== '') : raw
      if (!Array.isArray(parts)) return expected(`a list of ${item.kind}`, raw)
      const results = parts.map((part) => item.parse(part, folder))
      const bad = results.find((result) => 'fault' in result)
      return bad ?? { value: results.flatMap((result) => ('value' in result ? [result.value] : [])) }
    },
  }
}

/** An `http(s)://` URL without credentials, query or fragment; a trailing slash is dropped. */
export function httpUrl(): Parser<string> {
  return {
    kind: 'URL',
    parse(raw) {
      const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : undefined
      if (url === undefined || !/^https?:$/.test(url.protocol))
        return expected('a URL like https://mcp.example.com', raw)
      if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
        return { fault: 'must be a URL without user name, password, "?" and "#"' }
      }
      return { value: url.href.replace(/\/+$/, '') }
    },
  }
}

/** `http(s)://host[:port]`, as browsers send it in `Origin`. */
export function origin(): Parser<string> {
  return {
    kind: 'origin',
    parse(raw) {
      const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : undefined
      const fits = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href
      return fits ? { value: url.origin } : expected('an origin like https://app.example.com', raw)
    },
  }
}

/** A host name or address, optionally with a port. */
export function hostName(): Parser<string> {
  return {
    kind: 'host',
    parse(raw) {
      const host = typeof raw === 'string' ? raw.trim().toLowerCase() : ''
      return isHost(host) ? { value: host } : expected('a host like mcp.example.com or mcp.example.com:8443', raw)
    },
  }
}

function isHost(host: string): boolean {
  if (isIP(host) !== 0) return true
  return /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.test(host)
}

/** What to listen on: a name or an address, without a port. */
export function bindAddress(): Parser<string> {
  return {
    kind: 'host',
    parse(raw) {
      const host = typeof raw === 'string' ? raw.trim().replace(/^\[(.*)\]$/, '$1') : ''
      const fits = isIP(host) !== 0 || /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host)
      return fits ? { value: host } : expected('an address or a host name without a port', raw)
    },
  }
}

/** `host:port` of a listener. */
export function listenAddress(): Parser<string> {
  return {
    kind: 'host:port',
    parse(raw) {
      const match = typeof raw === 'string' ? /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(raw.trim()) : null
      const fits = match !== null && Number(match[2]) <= 65_535
      return fits ? { value: match[0] } : expected('an address like 127.0.0.1:9090', raw)
    },
  }
}

/** An address or an address range: `10.0.0.0/8`. */
export function addressRange(): Parser<string> {
  return {
    kind: 'address range',
    parse(raw) {
      const [address = '', bits, more] = typeof raw === 'string' ? raw.trim().split('/') : []
      const family = isIP(address)
      const width = family === 6 ? 128 : 32
      const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width)
      const good = family !== 0 && fits && more === undefined
      return good ? { value: `${address}/${bits ?? width}` } : expected('an address range like 10.0.0.0/8', raw)
    },
  }
}

/** A limit: `principal=600/minute`. */
export function rateRule(): Parser<string> {
  return {
    kind: 'limit',
    parse(raw) {
      const fits = typeof raw === 'string' && parseRateRule(raw) !== undefined
      return fits
        ? { value: raw.trim() }
        : expected('a limit like principal=600/minute or tool:files/write_*=10/m', raw)
    },
  }
}

/** A database URL; its fault never repeats it, since it may hold a password. */
export function databaseUrl(): Parser<string> {
  return {
    kind: 'URL',
    parse(raw) {
      const fits =
        typeof raw === 'string' && /^(sqlite|postgres|postgresql|mysql|mariadb|mssql|sqlserver|oracle):/.test(raw)
      if (fits) return { value: raw }
      return { fault: 'expected a URL like sqlite:///path.db, postgresql://user@host/name or mysql://user@host/name' }
    },
  }
}

function expected(what: string, raw: unknown): { readonly fault: string } {
  return { fault: `expected ${what}, got ${given(raw)}` }
}

function given(raw: unknown): string {
  const shown = JSON.stringify(raw) ?? String(raw)
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown
}
