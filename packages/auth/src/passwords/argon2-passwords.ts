import { hash as argon2Hash, argon2id, verify as argon2Verify } from 'argon2'
import type { PasswordHasher } from '../identity/password-hasher.js'
import { isBcrypt } from './bcrypt-shape.js'
import { checkPassword, MAX_PASSWORD_LENGTH } from './policy.js'
import { Slots } from './slots.js'

/** The least there may be: OWASP Password Storage Cheat Sheet, argon2id. */
export const MIN_ARGON2: Argon2Cost = Object.freeze({ memoryKiB: 19_456, passes: 2, lanes: 1 })

// libuv has 4 threads for everything; a flood of logins may have two of them and 38 MiB.
const DEFAULT_CONCURRENCY = 2
const DEFAULT_MAX_WAITING = 32
const MAX_IMPORTED_KIB = 256 * 1024
const MAX_IMPORTED_PASSES = 16
const ARGON2 = /^\$argon2(?:id|i|d)\$v=19\$([a-z0-9=,]{1,64})\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{16,128}$/
const BCRYPT_PREFIX = '$2'

/** How much work a hash is. */
export interface Argon2Cost {
  /** @default 19_456 */
  readonly memoryKiB: number
  /** @default 2 */
  readonly passes: number
  /** @default 1 */
  readonly lanes: number
}

/** Options of {@link Argon2Passwords}. */
export interface Argon2PasswordsOptions {
  /** Never below {@link MIN_ARGON2}. Existing hashes are made again at the next login when memory times passes rises. */
  readonly cost?: Partial<Argon2Cost> | undefined
  /** A longer list of common passwords, in lower case; asked for when the first password is set. @default the one built in */
  readonly common?: (() => ReadonlySet<string>) | undefined
  /** Hashes at the same time. @default 2 */
  readonly concurrency?: number | undefined
  /** Callers that may wait. @default 32 */
  readonly maxWaiting?: number | undefined
}

/** Hashes passwords with argon2id (RFC 9106). Bcrypt hashes of other products are checked and never made. */
export class Argon2Passwords implements PasswordHasher {
  readonly cost: Argon2Cost
  readonly #slots: Slots
  readonly #dummy: string
  readonly #common: (() => ReadonlySet<string>) | undefined

  /** @throws RangeError for a cost below the minimum */
  constructor(options: Argon2PasswordsOptions = {}) {
    this.cost = checkedCost(options.cost ?? {})
    this.#dummy = nobodysHash(this.cost)
    this.#common = options.common
    this.#slots = new Slots(
      positive('concurrency', options.concurrency ?? DEFAULT_CONCURRENCY),
      options.maxWaiting ?? DEFAULT_MAX_WAITING,
    )
  }

  check(password: string, user: string): void {
    checkPassword(password, user, this.#common?.())
  }

  hash(password: string, signal?: AbortSignal): Promise<string> {
    return this.#slots.run(() => this.#make(password), signal)
  }

  /** Passwords are compared exactly as they are. One that is too long to have been set is not hashed. */
  async verify(hash: string | undefined, password: string, signal?: AbortSignal): Promise<boolean> {
    // Two code units per character at most.
    if (password.length > 2 * MAX_PASSWORD_LENGTH) return false
    return this.#slots.run(async () => {
      if (hash === undefined) return (await argon2Verify(this.#dummy, password)) && false
      return hash.startsWith(BCRYPT_PREFIX) ? matchesBcrypt(hash, password) : argon2Verify(hash, password)
    }, signal)
  }

  needsRehash(hash: string): boolean {
    const made = hash.startsWith('$argon2id$') ? ARGON2.exec(hash)?.[1] : undefined
    if (made === undefined || isBelow(made, MIN_ARGON2)) return true
    // By the work as a whole: a hash that took more than ours stays, also where nodes have traded memory for passes.
    return workOf(made) < this.cost.memoryKiB * this.cost.passes
  }

  canImport(hash: string): boolean {
    if (hash.startsWith(BCRYPT_PREFIX)) return isBcrypt(hash)
    const cost = ARGON2.exec(hash)?.[1] ?? ''
    return within(/\bm=(\d+)/.exec(cost), MAX_IMPORTED_KIB) && within(/\bt=(\d+)/.exec(cost), MAX_IMPORTED_PASSES)
  }

  #make(password: string): Promise<string> {
    return argon2Hash(password, { type: argon2id, ...parameters(this.cost) })
  }
}

/** bcryptjs is an optional peer: loaded when the first bcrypt hash comes. */
async function matchesBcrypt(hash: string, password: string): Promise<boolean> {
  const imported = await import('./imported-hash.js')
  return imported.matchesBcrypt(hash, password)
}

/** Well-formed and as costly as every other, but of no password: nobody finds one whose hash is 32 bytes of zero. */
function nobodysHash({ memoryKiB, passes, lanes }: Argon2Cost): string {
  const zeros = (bytes: number): string => Buffer.alloc(bytes).toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${zeros(16)}$${zeros(32)}`
}

function checkedCost(wanted: Partial<Argon2Cost>): Argon2Cost {
  const cost = { ...MIN_ARGON2, ...wanted }
  for (const name of ['memoryKiB', 'passes', 'lanes'] as const) {
    if (Number.isInteger(cost[name]) && cost[name] >= MIN_ARGON2[name]) continue
    throw new RangeError(`auth: cost.${name} must be an integer >= ${MIN_ARGON2[name]}, got ${cost[name]}`)
  }
  return cost
}

function parameters(cost: Argon2Cost): { memoryCost: number; timeCost: number; parallelism: number } {
  return { memoryCost: cost.memoryKiB, timeCost: cost.passes, parallelism: cost.lanes }
}

/** Also true when one of them is not said. */
function isBelow(parameters: string, { memoryKiB, passes, lanes }: Argon2Cost): boolean {
  const least = { m: memoryKiB, t: passes, p: lanes }
  return !Object.entries(least).every(([name, value]) => parameterOf(parameters, name) >= value)
}

function workOf(parameters: string): number {
  return parameterOf(parameters, 'm') * parameterOf(parameters, 't')
}

function parameterOf(parameters: string, name: string): number {
  const given = parameters.split(',').find((parameter) => parameter.startsWith(`${name}=`))
  return Number(given?.slice(name.length + 1))
}

function within(match: RegExpExecArray | null, max: number): boolean {
  const value = Number(match?.[1])
  return value >= 1 && value <= max
}

function positive(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value
  throw new RangeError(`auth: ${name} must be an integer >= 1, got ${value}`)
}
