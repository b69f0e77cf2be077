import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import {
  type AuthEvent,
  Authenticator,
  AuthSnapshot,
  ExternalIssuer,
  type ExternalIssuerOptions,
  emptyIdentity,
  parseCompact,
} from '../src/index.js'
import { failureOf, MINUTE, START } from './support/world.js'

const ISSUER = 'https://idp.example'
const AUDIENCE = 'https://gateway.example'
const servers: Server[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
}

async function provider(alg: 'RS256' | 'ES256' | 'EdDSA' = 'RS256') {
  const pair = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg, use: 'sig' }
  const served = { requests: 0, status: 200, body: JSON.stringify({ keys: [jwk] }) }
  const jwksUrl = await listen((_, response) => {
    served.requests += 1
    response.writeHead(served.status, { 'content-type': 'application/json' }).end(served.body)
  })
  const now = START / 1_000
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'u-1', iat: now, exp: now + 3_600, groups: ['staff', 'mcp-ops'] }
  const token = (change: object = {}, header: object = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg, kid: 'k1', typ: 'at+jwt', ...header })
      .sign(pair.privateKey)
  return { jwk, jwksUrl, served, token }
}

function trusting(jwksUrl: string, more: Partial<ExternalIssuerOptions> = {}) {
  const clock = { ms: 0 }
  const events: AuthEvent[] = []
  const issuer = new ExternalIssuer({
    issuer: ISSUER,
    jwksUrl,
    audiences: [AUDIENCE, `${AUDIENCE}/mcp/fs`],
    claim: 'groups',
    roles: { 'mcp-ops': 'operator', 'mcp-audit': 'auditor' },
    fetch: (url, init) => fetch(url, init),
    now: () => START,
    monotonicNow: () => clock.ms,
    onEvent: (event) => void events.push(event),
    ...more,
  })
  return { clock, events, issuer, verify: (token: string) => issuer.verify(parseCompact(token)) }
}

describe('a token of another issuer', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'is taken by its published %s key, with rights by its groups',
    async (alg) => {
      const { jwksUrl, token } = await provider(alg)
      const verified = await trusting(jwksUrl).verify(await token())
      if (verified.kind !== 'external') throw new Error('not external')
      expect(verified.principal).toMatchObject({ id: `issuer:${ISSUER}|u-1`, kind: 'external', name: 'u-1' })
      expect(verified.principal.scopes.has('registry:write')).toBe(true)
      expect(verified.principal.scopes.has('users:admin')).toBe(false)
    },
  )

  it.each([
    ['no group that is named', { groups: ['staff'] }, []],
    ['a group by the name of a member of every object', { groups: ['constructor', '__proto__'] }, []],
    ['groups as one text', { groups: 'staff mcp-audit' }, ['audit:read', 'metrics:read', 'registry:read']],
    ['a scope claim that narrows', { scope: 'openid tools:read users:admin' }, ['tools:read']],
    [
      'a scope claim of others only',
      { groups: ['mcp-audit'], scope: 'openid profile' },
      ['audit:read', 'metrics:read', 'registry:read'],
    ],
    ['a scope that the token may bring itself', { groups: [], scope: 'tools:call registry:exec' }, ['tools:call']],
  ])('has the rights of its claims and no others: %s', async (_, claims, scopes) => {
    const { jwksUrl, token } = await provider()
    const verified = await trusting(jwksUrl, { scopes: ['tools:call'] }).verify(await token(claims))
    expect(verified.kind === 'external' && [...verified.principal.scopes].toSorted()).toEqual(scopes)
  })

  it('may have its roles on a path or under a name with dots, and everybody may have one', async () => {
    const { jwksUrl, token } = await provider()
    const scopesOf = async (options: Partial<ExternalIssuerOptions>, claims: object) => {
      const verified = await trusting(jwksUrl, options).verify(await token(claims))
      return verified.kind === 'external' ? verified.principal.scopes.size : 0
    }
    expect(await scopesOf({ claim: 'realm_access.roles' }, { realm_access: { roles: ['mcp-audit'] } })).toBe(3)
    expect(await scopesOf({ claim: 'https://x.example/roles' }, { 'https://x.example/roles': ['mcp-audit'] })).toBe(3)
    expect(await scopesOf({ claim: 'realm_access.roles' }, { realm_access: 'mcp-audit' })).toBe(0)
    expect(await scopesOf({ claim: undefined, everybody: 'user' }, {})).toBe(5)
  })

  it.each([
    ['another audience', { aud: 'https://other.example' }, {}, 'audience'],
    ['no audience', { aud: undefined }, {}, 'audience'],
    ['an ID token by its type', {}, { typ: 'JWT' }, 'type'],
    ['an ID token by its nonce', { nonce: 'n' }, {}, 'type'],
    ['an ID token by its hash', { at_hash: 'n' }, {}, 'type'],
    ['one that has expired', { exp: START / 1_000 - 31, iat: START / 1_000 - 60 }, {}, 'expired'],
    ['one that lives for a week', { exp: START / 1_000 + 7 * 86_400 }, {}, 'claims'],
    ['one without a subject', { sub: '' }, {}, 'claims'],
    ['an unknown key', {}, { kid: 'k2' }, 'unknown'],
  ])('is refused: %s', async (_, claims, header, problem) => {
    const { jwksUrl, token } = await provider()
    const { verify } = trusting(jwksUrl)
    expect(await failureOf(async () => verify(await token(claims, header)))).toMatchObject({
      code: 'AUTH_CREDENTIAL_INVALID',
      problem,
    })
  })

  it('is refused on another path than the one it names', async () => {
    const { jwksUrl, token } = await provider()
    const { issuer } = trusting(jwksUrl)
    const door = new Authenticator({
      snapshot: AuthSnapshot.of(emptyIdentity),
      tokens: [issuer],
      audience: AUDIENCE,
      now: () => START,
    })
    const authorization = `Bearer ${await token({ aud: `${AUDIENCE}/mcp/fs` })}`
    expect(await door.authenticate({ authorization, resource: `${AUDIENCE}/mcp/fs` })).toMatchObject({
      kind: 'external',
    })
    for (const resource of [`${AUDIENCE}/mcp/db`, undefined]) {
      expect(await failureOf(() => door.authenticate({ authorization, resource }))).toMatchObject({
        problem: 'audience',
      })
    }
  })

  it('holds on every path by another name of the gateway, and on one path by the URL of that', async () => {
    const { jwksUrl, token } = await provider()
    const { issuer } = trusting(jwksUrl, { audiences: [AUDIENCE], aliases: ['api://gateway'] })
    const snapshot = AuthSnapshot.of(emptyIdentity)
    const door = new Authenticator({ snapshot, tokens: [issuer], audience: AUDIENCE, now: () => START })
    const problemOf = async (aud: unknown, resource: string): Promise<unknown> => {
      const authorization = `Bearer ${await token({ aud })}`
      try {
        await door.authenticate({ authorization, resource })
        return 'taken'
      } catch (error) {
        return Reflect.get(Object(error), 'problem')
      }
    }
    expect(await problemOf('api://gateway', `${AUDIENCE}/mcp/db`)).toBe('taken')
    expect(await problemOf([`${AUDIENCE}/mcp/fs`, 7], `${AUDIENCE}/mcp/fs`)).toBe('taken')
    for (const aud of [`${AUDIENCE}/mcp/fs`, `${AUDIENCE}.evil.example/mcp/db`, 'api://gateway/x', 7, [7], { a: 1 }]) {
      expect([aud, await problemOf(aud, `${AUDIENCE}/mcp/db`)]).toEqual([aud, 'audience'])
    }
  })

  it('is narrowed to the templates and tools of its issuer', async () => {
    const { jwksUrl, token } = await provider()
    const { verify } = trusting(jwksUrl, { templates: ['fs*'], tools: ['read_*'] })
    const verified = await verify(await token())
    expect(verified.kind === 'external' && verified.principal).toMatchObject({ templates: ['fs*'], tools: ['read_*'] })
  })

  it('cannot bring an algorithm that is not that of the key', async () => {
    const { jwk, jwksUrl, served, token } = await provider('ES256')
    served.body = JSON.stringify({ keys: [{ ...jwk, alg: 'RS256' }] })
    expect(await failureOf(async () => trusting(jwksUrl).verify(await token()))).toMatchObject({ problem: 'unknown' })
    served.body = JSON.stringify({ keys: [jwk] })
    expect(
      await failureOf(async () => trusting(jwksUrl, { algorithms: ['RS256'] }).verify(await token())),
    ).toMatchObject({ problem: 'unknown' })
    const shared = { kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'k1', alg: 'HS256' }
    served.body = JSON.stringify({ keys: [shared, { ...jwk, use: 'enc' }, null, 7, { kid: 'k1' }] })
    expect(await failureOf(async () => trusting(jwksUrl).verify(await token()))).toMatchObject({ problem: 'unknown' })
  })
})

describe('the keys of another issuer', () => {
  it('are read once for many tokens, again when old, and for unknown ids at most twice a minute', async () => {
    const { jwksUrl, served, token } = await provider()
    const { clock, verify } = trusting(jwksUrl)
    const [good, unknown] = [await token(), await token({}, { kid: 'made-up' })]
    await Promise.all([verify(good), verify(good), verify(good)])
    expect(served.requests).toBe(1)
    for (const _ of [1, 2, 3]) await failureOf(() => verify(unknown))
    expect(served.requests).toBe(2)
    clock.ms += 30_000
    for (const _ of [1, 2, 3]) await failureOf(() => verify(unknown))
    expect(served.requests).toBe(3)
    clock.ms += 10 * MINUTE
    await verify(good)
    expect(served.requests).toBe(3)
    clock.ms += 1
    await verify(good)
    expect(served.requests).toBe(4)
  })

  it('that come right after the first look are found at once', async () => {
    const { jwk, jwksUrl, served, token } = await provider()
    const { verify } = trusting(jwksUrl)
    await verify(await token())
    served.body = JSON.stringify({ keys: [{ ...jwk, kid: 'k2' }] })
    expect(await verify(await token({}, { kid: 'k2' }))).toMatchObject({ kind: 'external' })
  })

  it.each([
    ['OpenID Connect Discovery', '/realms/a/.well-known/openid-configuration'],
    ['OAuth metadata', '/.well-known/oauth-authorization-server/realms/a'],
  ])('are found by %s, and only in a document that names the issuer itself', async (_, wellKnown) => {
    const { jwksUrl, token } = await provider()
    const served = { issuer: '' }
    const host = new URL(
      await listen(({ url }, response) => {
        const body = JSON.stringify({ issuer: served.issuer, jwks_uri: jwksUrl })
        response.writeHead(url === wellKnown ? 200 : 404).end(body)
      }),
    ).origin
    const issuer = `${host}/realms/a`
    const { events, verify } = trusting(jwksUrl, { issuer, jwksUrl: undefined })
    const signed = await token({ iss: issuer })
    expect(await failureOf(() => verify(signed))).toMatchObject({ code: 'AUTH_UNAVAILABLE' })
    expect(events).toMatchObject([{ type: 'issuer-keys-failed', issuer }])
    served.issuer = issuer
    expect(await verify(signed)).toMatchObject({ kind: 'external' })
  })

  it('that their issuer has withdrawn stop to count, also for tokens that were taken before', async () => {
    const { jwksUrl, served, token } = await provider()
    const { clock, issuer } = trusting(jwksUrl)
    const now = { ms: START }
    const tokens = [issuer]
    const door = new Authenticator({ snapshot: AuthSnapshot.of(emptyIdentity), tokens, now: () => now.ms })
    const authorization = `Bearer ${await token()}`
    expect(await door.authenticate({ authorization })).toMatchObject({ kind: 'external' })
    served.body = JSON.stringify({ keys: [] })
    clock.ms += 10 * MINUTE + 1
    expect(await door.authenticate({ authorization })).toMatchObject({ kind: 'external' })
    now.ms += 5 * MINUTE
    expect(await failureOf(() => door.authenticate({ authorization }))).toMatchObject({ problem: 'unknown' })
  })

  it('count for an hour while the issuer does not answer, and then no more', async () => {
    const { jwksUrl, served, token } = await provider()
    const { clock, events, verify } = trusting(jwksUrl)
    const good = await token()
    await verify(good)
    served.status = 503
    clock.ms += 60 * MINUTE
    expect(await verify(good)).toMatchObject({ kind: 'external' })
    clock.ms += 1
    expect(await failureOf(() => verify(good))).toMatchObject({ code: 'AUTH_UNAVAILABLE' })
    expect(events.map(({ type }) => type)).toEqual(['issuer-keys-loaded', 'issuer-keys-failed', 'issuer-keys-failed'])
    served.status = 200
    clock.ms += 30_000
    expect(await verify(good)).toMatchObject({ kind: 'external' })
  })

  it.each([
    ['too large', JSON.stringify({ keys: [], padding: 'x'.repeat(300_000) })],
    ['not JSON', '<html>'],
    ['no key set', '{"keys":{}}'],
    ['said twice', '{"keys":[],"keys":[]}'],
    ['too many', JSON.stringify({ keys: Array(101).fill({}) })],
  ])('are not taken when the answer is %s', async (_, body) => {
    const { jwksUrl, served, token } = await provider()
    served.body = body
    expect(await failureOf(async () => trusting(jwksUrl).verify(await token()))).toMatchObject({
      code: 'AUTH_UNAVAILABLE',
    })
  })

  it('are not read from where a redirect leads', async () => {
    const { jwksUrl, served, token } = await provider()
    const redirecting = await listen((_, response) => response.writeHead(302, { location: jwksUrl }).end())
    expect(await failureOf(async () => trusting(redirecting).verify(await token()))).toMatchObject({
      code: 'AUTH_UNAVAILABLE',
    })
    expect(served.requests).toBe(0)
  })

  it('need an audience to be of any use', () => {
    expect(() => trusting('http://127.0.0.1:1', { audiences: [] })).toThrow(RangeError)
  })
})
