import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type FaultServer,
  freePort,
  type IssuerAlgorithm,
  startFaultServer,
  startIssuer,
  type TestIssuer,
  waitFor,
} from '@mcp-platform/test-kit'
import {
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  extractResourceMetadataUrl,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { GatewayConfigError } from '../../src/index.js'
import type { Answer, TestGateway } from '../helpers.js'
import { Cluster } from '../workers/support.js'
import { as, startSecured } from './support.js'

const PUBLIC_URL = 'https://mcp.example.com'
const ROLES = { 'mcp-users': 'user', 'mcp-admins': 'admin', 'mcp-auditors': 'auditor' }

const trust = (issuer: TestIssuer, more: object = {}): object => ({
  issuer: issuer.url,
  role_claim: 'realm_access.roles',
  roles: ROLES,
  ...more,
})

const claimsOf = (more: object = {}): Record<string, unknown> => ({
  aud: PUBLIC_URL,
  realm_access: { roles: ['mcp-users'] },
  ...more,
})

const native = (gateway: TestGateway, token: string): Promise<Answer> =>
  as(gateway, token, 'POST', '/mcp/fs', {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  })

describe('an access token of another issuer', () => {
  let server: FaultServer
  let issuer: TestIssuer
  let gateway: TestGateway

  beforeAll(async () => {
    server = await startFaultServer()
    issuer = await startIssuer()
    gateway = await startSecured({ 'public-url': PUBLIC_URL, 'token-issuer': [trust(issuer)] })
    const instance = { id: 'a', endpoint: server.url }
    await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
  })
  afterAll(async () => {
    await issuer.stop()
    await server.stop()
  })

  it('is taken over REST and native MCP, with the rights of its role, and its user is named', async () => {
    const token = issuer.token(claimsOf())
    expect((await as(gateway, token, 'POST', '/mcp/fs/tools/call', { name: 'echo', arguments: {} })).status).toBe(200)
    expect((await native(gateway, token)).json.result.serverInfo).toBeDefined()
    expect((await as(gateway, token, 'GET', '/auth/me')).json).toMatchObject({
      id: `issuer:${issuer.url}|u-1`,
      kind: 'external',
    })
    expect((await as(gateway, token, 'GET', '/auth/users')).status).toBe(403)
    const admin = issuer.token(claimsOf({ sub: 'u-2', realm_access: { roles: ['mcp-admins'] } }))
    expect((await as(gateway, admin, 'GET', '/auth/users')).status).toBe(200)
  })

  it('of somebody whom no role is mapped to is 403, not 401: signing in again would not help', async () => {
    for (const roles of [[], ['others'], ['constructor'], 'mcp-users-not']) {
      const token = issuer.token(claimsOf({ realm_access: { roles } }))
      const { status, headers } = await as(gateway, token, 'GET', '/mcp/fs/tools/list')
      expect([roles, status]).toEqual([roles, 403])
      expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"')
      expect((await native(gateway, token)).status).toBe(403)
    }
  })

  it.each<[string, () => string]>([
    ['another audience', () => issuer.token(claimsOf({ aud: 'https://other.example.com' }))],
    ['an audience that only begins as ours', () => issuer.token(claimsOf({ aud: `${PUBLIC_URL}.evil.example` }))],
    ['the audience of another path', () => issuer.token(claimsOf({ aud: `${PUBLIC_URL}/mcp/db` }))],
    ['no audience', () => issuer.token(claimsOf({ aud: undefined }))],
    ['another issuer', () => issuer.token(claimsOf({ iss: 'https://evil.example' }))],
    ['an issuer that only looks the same', () => issuer.token(claimsOf({ iss: `${issuer.url}/` }))],
    ['our own issuer', () => issuer.token(claimsOf({ iss: PUBLIC_URL }))],
    ['a time that is over', () => issuer.token(claimsOf({ iat: now() - 600, exp: now() - 60 }))],
    ['no end', () => issuer.token(claimsOf({ exp: undefined }))],
    ['a life of a year', () => issuer.token(claimsOf({ exp: now() + 365 * 86_400 }))],
    ['alg none', () => issuer.token(claimsOf(), { alg: 'none' })],
    ['alg HS256', () => issuer.token(claimsOf(), { alg: 'HS256' })],
    ['alg ES256 over an RSA key', () => issuer.token(claimsOf(), { alg: 'ES256' })],
    ['an unknown kid', () => issuer.token(claimsOf(), { kid: 'made-up' })],
    ['no kid', () => issuer.token(claimsOf(), { kid: undefined })],
    ['the type of an ID token', () => issuer.token(claimsOf(), { typ: 'JWT' })],
    ['the nonce of an ID token', () => issuer.token(claimsOf({ nonce: 'n' }))],
    ['no subject', () => issuer.token(claimsOf({ sub: undefined }))],
    ['a changed claim', () => changed(issuer.token(claimsOf()))],
  ])('with %s is refused on every face', async (_, make) => {
    const token = make()
    for (const answer of [await as(gateway, token, 'GET', '/mcp/fs/tools/list'), await native(gateway, token)]) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  it('ends when its user logs out here, and no other does', async () => {
    for (const claims of [{}, { jti: undefined }]) {
      const [ended, other] = [issuer.token(claimsOf(claims)), issuer.token(claimsOf({ ...claims, sub: 'u-3' }))]
      expect((await as(gateway, ended, 'GET', '/auth/me')).status).toBe(200)
      expect((await as(gateway, ended, 'POST', '/auth/logout')).status).toBe(204)
      expect((await as(gateway, ended, 'GET', '/auth/me')).status).toBe(401)
      expect((await as(gateway, other, 'GET', '/auth/me')).status).toBe(200)
    }
  })

  it('makes no keys here and has no password', async () => {
    const token = issuer.token(claimsOf())
    expect((await as(gateway, token, 'POST', '/auth/api-keys', { name: 'k' })).status).toBe(403)
    expect((await as(gateway, token, 'POST', '/auth/password', { new_password: 'four words or more' })).status).toBe(
      422,
    )
    const body = { username: 'u-1', new_password: 'four words or more' }
    expect([403, 404]).toContain((await as(gateway, token, 'POST', '/auth/password', body)).status)
  })

  it('that names one path holds on that path alone', async () => {
    const token = issuer.token(claimsOf({ aud: `${PUBLIC_URL}/mcp/fs` }))
    expect((await as(gateway, token, 'GET', '/mcp/fs/tools/list')).status).toBe(200)
    for (const path of ['/mcp/fs2/tools/list', '/auth/me', '/gateway/registry']) {
      expect((await as(gateway, token, 'GET', path)).status).toBe(401)
    }
  })
})

describe('an issuer', () => {
  let issuer: TestIssuer

  beforeEach(async () => {
    issuer = await startIssuer()
  })

  const started = (more: object = {}, flags: object = {}): Promise<TestGateway> =>
    startSecured({ 'public-url': PUBLIC_URL, 'token-issuer': [trust(issuer, more)], ...flags })

  it.each<IssuerAlgorithm>(['RS256', 'ES256', 'EdDSA'])(
    'may sign with %s, if that is configured',
    async (algorithm) => {
      await using other = await startIssuer({ algorithm })
      const flags = { 'public-url': PUBLIC_URL, 'token-issuer': [trust(other, { algorithms: [algorithm] })] }
      const gateway = await startSecured(flags)
      expect((await as(gateway, other.token(claimsOf()), 'GET', '/auth/me')).status).toBe(200)
      other.rotate({ algorithm: algorithm === 'RS256' ? 'ES256' : 'RS256' })
      expect((await as(gateway, other.token(claimsOf()), 'GET', '/auth/me')).status).toBe(401)
      await gateway.close()
      await issuer.stop()
    },
  )

  it('may change its key, and tokens of the new one are taken at once', async () => {
    const gateway = await started({ jwks_url: issuer.jwksUrl })
    const before = issuer.token(claimsOf())
    expect((await as(gateway, before, 'GET', '/auth/me')).status).toBe(200)
    issuer.rotate()
    expect((await as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')).status).toBe(200)
    expect((await as(gateway, before, 'GET', '/auth/me')).status).toBe(200)
    expect(issuer.requests).toEqual(['/jwks', '/jwks'])
    await gateway.close()
    await issuer.stop()
  })

  it('may be away: keys that are known go on, an unknown one is 401 at once, and the log says what is wrong', async () => {
    const gateway = await started()
    expect((await as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')).status).toBe(200)
    issuer.mode = 'fail'
    expect((await as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')).status).toBe(200)
    for (const kid of ['new-1', 'new-2', 'new-3']) {
      expect((await as(gateway, issuer.token(claimsOf(), { kid }), 'GET', '/auth/me')).status).toBe(401)
    }
    expect(gateway.logs.some((line) => line.includes(`the keys of ${issuer.url} could not be read`))).toBe(true)
    // Made-up key ids cost an issuer next to nothing.
    expect(issuer.requests.length).toBeLessThanOrEqual(4)
    await gateway.close()
    await issuer.stop()
  })

  it('that was never reached is 503 with a time to come back, within the bound, and other credentials go on', async () => {
    issuer.mode = 'hang'
    const gateway = await started({ jwks_url: issuer.jwksUrl })
    const waiting = as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')
    await waitFor(() => issuer.requests.length === 1, { what: 'the keys are asked for' })
    expect((await gateway.admin('GET', '/auth/me')).status).toBe(200)
    const { status, json, headers } = await waiting
    expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'IDENTITY_UNAVAILABLE', '5'])
    await gateway.close()
    await issuer.stop()
  })

  it('cannot lead us elsewhere: a redirect is not followed', async () => {
    await using elsewhere = await startIssuer()
    issuer.mode = 'redirect'
    issuer.redirectTo = elsewhere.jwksUrl
    const gateway = await started({ jwks_url: issuer.jwksUrl })
    expect((await as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')).status).toBe(503)
    expect(elsewhere.requests).toEqual([])
    await gateway.close()
    await issuer.stop()
  })

  it('on an address that servers must not have is not asked', async () => {
    const gateway = await started({}, { host: '0.0.0.0' })
    expect((await as(gateway, issuer.token(claimsOf()), 'GET', '/auth/me')).status).toBe(503)
    expect(issuer.requests).toEqual([])
    await gateway.close()
    await issuer.stop()
  })

  it('may call the gateway by another name, narrow its users, and give a role to everybody', async () => {
    const narrow = { audience: ['api://gateway'], default_role: 'user', templates: ['fs*'], name_claim: 'email' }
    const gateway = await started({ ...narrow, types: ['JWT'] })
    const token = issuer.token({ aud: 'api://gateway', email: 'anna@example.com' }, { typ: 'JWT' })
    const { status, json } = await as(gateway, token, 'GET', '/auth/me')
    expect([status, json.name, json.templates]).toEqual([200, 'anna@example.com', ['fs*']])
    expect(json.scopes).toContain('tools:call')
    await gateway.close()
    await issuer.stop()
  })

  it('is found by an MCP client: challenge, resource metadata, authorization server', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const gateway = await started({}, { port, 'public-url': url })
    const challenge = await fetch(`${url}/mcp/fs`, { method: 'POST', body: '{}' })
    expect(challenge.status).toBe(401)
    await challenge.text()
    const resourceMetadataUrl = extractResourceMetadataUrl(challenge)
    const metadata = await discoverOAuthProtectedResourceMetadata(`${url}/mcp/fs`, {
      ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
    })
    expect(metadata).toMatchObject({ resource: `${url}/mcp/fs`, authorization_servers: [issuer.url] })
    const [authorizationServer = ''] = metadata.authorization_servers ?? []
    const found = await discoverAuthorizationServerMetadata(authorizationServer)
    expect(found?.token_endpoint).toBe(`${issuer.url}/token`)
    const token = issuer.token(claimsOf({ aud: metadata.resource }))
    // 404: the caller is known, the template is not.
    expect((await as(gateway, token, 'GET', '/mcp/fs/tools/list')).status).toBe(404)
    await gateway.close()
    await issuer.stop()
  })

  it('is trusted by worker processes too, each of which reads the keys itself', async () => {
    const issuers = [trust(issuer)]
    const cluster = await Cluster.start({ workers: 2, auth: true, 'public-url': PUBLIC_URL, 'token-issuer': issuers })
    try {
      const headers = { authorization: `Bearer ${issuer.token(claimsOf())}` }
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => cluster.send('GET', '/mcp/fs/tools/list', undefined, headers)),
      )
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(404))
      const bad = { authorization: `Bearer ${issuer.token(claimsOf({ aud: 'https://other.example' }))}` }
      expect((await cluster.send('GET', '/mcp/fs/tools/list', undefined, bad)).status).toBe(401)
    } finally {
      await cluster[Symbol.asyncDispose]()
      await issuer.stop()
    }
  })
})

describe('a configuration of issuers', () => {
  const faultOf = async (tokenIssuer: unknown, flags: object = { 'public-url': PUBLIC_URL }): Promise<string> => {
    try {
      await (await startSecured({ ...flags, 'token-issuer': tokenIssuer })).close()
    } catch (error) {
      if (error instanceof GatewayConfigError) return error.message
      throw error
    }
    return 'none'
  }
  const good = { issuer: 'https://idp.example', default_role: 'user' }

  it('may be JSON in the environment, and its fault is one sentence that names issuer and member', async () => {
    expect(await faultOf(JSON.stringify(good))).toBe('none')
    expect(await faultOf([JSON.stringify([good])])).toBe('none')
  })

  it.each<[unknown, RegExp]>([
    ['https://idp.example', /is not JSON/],
    [['https://idp.example'], /is not JSON/],
    [[7], /needs objects with an "issuer"/],
    [[{ default_role: 'user' }], /needs objects with an "issuer"/],
    [[{ ...good, issuer: 'http://idp.example' }], /issuer "http:\/\/idp.example": issuer must be an https URL/],
    [[{ ...good, jwks_url: 'http://10.0.0.1/keys' }], /jwks_url must be an https URL/],
    [[{ ...good, jwks_url: 'file:///etc/passwd' }], /jwks_url must be an https URL/],
    [[{ ...good, algorithms: ['HS256'] }], /algorithms must be a list of RS256, ES256, EdDSA/],
    [[{ ...good, algorithms: [] }], /algorithms must be a list/],
    [[{ ...good, default_role: 'root' }], /default_role must be a role/],
    [[{ ...good, roles: { a: 'root' }, role_claim: 'r' }], /roles must map/],
    [[{ issuer: 'https://idp.example', roles: { a: 'user' } }], /roles needs role_claim/],
    [[{ issuer: 'https://idp.example' }], /gives nobody any right/],
    [[{ ...good, scopes: ['everything'] }], /scopes must be a list of scopes/],
    [[{ ...good, max_lifetime: 0 }], /max_lifetime must be whole seconds/],
    [[{ ...good, audiences: ['x'] }], /audiences is not known; known are issuer, jwks_url, audience/],
    [[good, good], /has https:\/\/idp.example twice/],
    [[{ ...good, issuer: PUBLIC_URL }], /must not have public_url as an issuer/],
  ])('with a fault stops the start: %j', async (issuers, message) => {
    expect(await faultOf(issuers)).toMatch(message)
  })

  it('needs the public URL', async () => {
    expect(await faultOf([good], {})).toMatch(/needs public_url as well/)
  })
})

const now = (): number => Math.floor(Date.now() / 1_000)

function changed(token: string): string {
  const [head, claims = '', signature] = token.split('.')
  const body = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: 'root' }
  return [head, Buffer.from(JSON.stringify(body)).toString('base64url'), signature].join('.')
}
