/*
 * What a known credential costs each request: the step "who is it, may they" of the gateway, in process and without HTTP, so that
 * a few microseconds are not lost in the noise of a proxied call.
 */
import {
  AccessTokenIssuer,
  AccessTokenVerifier,
  type Actor,
  ApiKeys,
  AuditChain,
  Authenticator,
  type AuthRequest,
  anonymous,
  Directory,
  decide,
  FieldSealer,
  KeyHasher,
  KeyUse,
  localAdmin,
  MasterKey,
  MasterKeyRing,
  MemoryAuditStore,
  MemoryIdentityStore,
  MemorySigningKeyStore,
  SigningKeys,
  Users,
} from '@mcp-platform/auth'
import { Argon2Passwords } from '@mcp-platform/auth/passwords'
import { median } from './statistics.ts'

/** Microseconds of CPU per request that authentication and the decision take. */
export interface CredentialCosts {
  /** Authentication is off. */
  readonly none: number
  readonly apiKey: number
  readonly token: number
}

const ROUNDS = 7
const REQUESTS = 10_000
const PARTIES = { issuer: 'https://bench.example', audience: 'https://bench.example' }
const CALL = { scope: 'tools:call', template: 'bench', tool: 'ping' } as const

/** Measures in interleaved rounds; about half a second. */
export async function credentialCosts(): Promise<CredentialCosts> {
  const { open, guarded, apiKey, authorization } = await doors()
  // A credential that was never seen is proven first: what is measured is every request after it.
  await guarded.authenticate({ authorization })
  const none: number[] = []
  const key: number[] = []
  const token: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    none.push(await cost(open, {}))
    key.push(await cost(guarded, { apiKey, address: '127.0.0.1' }))
    token.push(await cost(guarded, { authorization, address: '127.0.0.1' }))
  }
  // The first round warms up.
  return { none: median(none.slice(1)), apiKey: median(key.slice(1)), token: median(token.slice(1)) }
}

async function cost(door: Authenticator, request: AuthRequest): Promise<number> {
  const before = process.cpuUsage()
  for (let sent = 0; sent < REQUESTS; sent += 1) {
    const found = door.authenticate(request)
    const principal = found instanceof Promise ? await found : found
    if (!decide(principal, CALL).allowed) throw new Error('bench: the credential was refused')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / REQUESTS
}

interface Doors {
  /** Authentication off. */
  readonly open: Authenticator
  readonly guarded: Authenticator
  readonly apiKey: string
  readonly authorization: string
}

/** Everything wired as a gateway does, in memory. */
async function doors(): Promise<Doors> {
  const ring = new MasterKeyRing(MasterKey.generate())
  const audit = new MemoryAuditStore(new AuditChain({ node: 'bench', keys: ring.derive('audit-chain') }))
  const directory = new Directory({ store: new MemoryIdentityStore(audit) })
  await directory.load()
  const signingKeys = new SigningKeys({ store: new MemorySigningKeyStore(), sealer: new FieldSealer(ring) })
  await signingKeys.load()
  const root: Actor = { principal: localAdmin({ mayExecute: true }), requestId: 'bench', address: '127.0.0.1' }
  const hasher = new KeyHasher(ring.derive('api-key-pepper'))
  const users = new Users({ directory, passwords: new Argon2Passwords() })
  const { name, epoch, role } = await users.create({ name: 'bench', role: 'operator' }, root)
  const { text: apiKey } = await new ApiKeys({ directory, hasher }).create(
    { name: 'bench', scopes: ['tools:call'] },
    root,
  )
  const { token } = await new AccessTokenIssuer({ ...PARTIES, keys: signingKeys }).issue({ user: name, epoch, role })
  const { snapshot } = directory
  const guarded = new Authenticator({
    snapshot,
    keys: hasher,
    keyUse: new KeyUse(),
    tokens: [new AccessTokenVerifier({ ...PARTIES, keys: signingKeys })],
  })
  return {
    open: new Authenticator({ snapshot, anonymous }),
    guarded,
    apiKey,
    authorization: `Bearer ${token}`,
  }
}
