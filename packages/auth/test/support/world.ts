import {
  AccessTokenIssuer,
  AccessTokenVerifier,
  type Actor,
  ApiKeys,
  AuditChain,
  type AuditEvent,
  type AuthEvent,
  Authenticator,
  Directory,
  FieldSealer,
  KeyHasher,
  KeyUse,
  LoginThrottle,
  localAdmin,
  MasterKey,
  MasterKeyRing,
  MemoryAuditStore,
  MemoryIdentityStore,
  MemoryRefreshTokenStore,
  MemorySigningKeyStore,
  Sessions,
  SigningKeys,
  type TokenVerifier,
  Users,
} from '../../src/index.js'
import { Argon2Passwords } from '../../src/passwords.js'

export const PUBLIC_URL = 'https://gateway.example'
export const PASSWORD = 'a long enough sentence'
export const START = Date.UTC(2026, 10, 22, 10)

/** A clock that stands still until it is told to move. */
export class Clock {
  ms = START
  readonly now = (): number => this.ms
  advance(ms: number): void {
    this.ms += ms
  }
}

const MINUTE = 60_000

export { MINUTE }

export const root: Actor = { principal: localAdmin({ mayExecute: true }), requestId: 'r-1', address: '127.0.0.1' }

/** Everything, wired as a gateway would, in memory and on one clock. */
export async function makeWorld(
  options: { ring?: MasterKeyRing; verifiers?: readonly TokenVerifier[]; passwords?: Argon2Passwords } = {},
) {
  const clock = new Clock()
  /** How long ago the snapshot was confirmed. */
  const age = { ms: 0 }
  const ring = options.ring ?? new MasterKeyRing(MasterKey.generate())
  const events: AuthEvent[] = []
  const audited: AuditEvent[] = []
  const onEvent = (event: AuthEvent) => void events.push(event)
  const audit = new MemoryAuditStore(new AuditChain({ node: 'n1', keys: ring.derive('audit-chain') }))
  const identity = new MemoryIdentityStore(audit)
  let authenticator: Authenticator | undefined
  const directory = new Directory({
    store: identity,
    now: clock.now,
    onEvent,
    onSnapshot: (snapshot) => authenticator?.update(snapshot),
  })
  await directory.load()
  const signingKeys = new SigningKeys({
    store: new MemorySigningKeyStore(),
    sealer: new FieldSealer(ring),
    now: clock.now,
    onEvent,
  })
  await signingKeys.load()
  const parties = { issuer: PUBLIC_URL, audience: PUBLIC_URL }
  const hasher = new KeyHasher(ring.derive('api-key-pepper'))
  const keyUse = new KeyUse()
  const own = new AccessTokenVerifier({ ...parties, keys: signingKeys, now: clock.now })
  authenticator = new Authenticator({
    snapshot: directory.snapshot,
    keys: hasher,
    keyUse,
    tokens: [own, ...(options.verifiers ?? [])],
    audience: PUBLIC_URL,
    now: clock.now,
    monotonicNow: () => age.ms,
    onEvent,
  })
  const passwords = options.passwords ?? new Argon2Passwords()
  const tokens = new AccessTokenIssuer({ ...parties, keys: signingKeys, now: clock.now })
  const refreshTokens = new MemoryRefreshTokenStore()
  const throttle = new LoginThrottle({ now: clock.now, onEvent })
  const sessions = new Sessions({
    directory,
    passwords,
    throttle,
    tokens,
    refreshTokens,
    audit: (event) => void audited.push(event),
    now: clock.now,
    onEvent,
  })
  const users = new Users({ directory, passwords, now: clock.now })
  const keys = new ApiKeys({ directory, hasher, now: clock.now })
  return {
    clock,
    age,
    ring,
    events,
    audited,
    audit,
    identity,
    directory,
    signingKeys,
    hasher,
    keyUse,
    authenticator,
    passwords,
    tokens,
    refreshTokens,
    sessions,
    users,
    keys,
  }
}

export type World = Awaited<ReturnType<typeof makeWorld>>

/** The error that some work ends in. */
export async function failureOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** Acts as a user, with the rights that the user has now. */
export function as(world: World, name: string): Actor {
  const user = world.directory.snapshot.user(name)
  if (user === undefined) throw new Error(`no user ${name}`)
  return { principal: user.principal }
}
