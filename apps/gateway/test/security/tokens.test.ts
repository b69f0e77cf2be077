import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import type { TestGateway } from '../helpers.js'
import { as, decode, encode, signed, startSecured, stolenKey, userToken } from './support.js'

describe('over HTTP, a token', () => {
  let gateway: TestGateway
  let key: KeyObject
  let head: Record<string, unknown> = {}
  let claims: Record<string, unknown> = {}
  let good = ''

  beforeAll(async () => {
    gateway = await startSecured()
    good = await userToken(gateway, 'anna', { role: 'admin' })
    key = (await stolenKey(gateway)).key
    const [first, second] = good.split('.')
    head = decode(first)
    claims = decode(second)
  })

  const forged = (header: object, body: object = {}): string =>
    signed(key, { ...head, ...header }, { ...claims, ...body })

  it('of ours is taken', async () => {
    expect((await as(gateway, good, 'GET', '/auth/users')).status).toBe(200)
    expect((await as(gateway, forged({}), 'GET', '/auth/users')).status).toBe(200)
  })

  it.each<[string, () => string]>([
    ['alg none without signature', () => `${encode({ ...head, alg: 'none' })}.${encode(claims)}.`],
    ['alg none with a signature', () => forged({ alg: 'none' })],
    ['alg HS256 over the public key', () => hmacSigned()],
    ['alg RS256', () => forged({ alg: 'RS256' })],
    ['no kid', () => forged({ kid: undefined })],
    ['a kid that is a path', () => forged({ kid: '../../dev/null' })],
    ['a kid that is SQL', () => forged({ kid: "' OR 1=1 --" })],
    ['a kid of every object', () => forged({ kid: '__proto__' })],
    ['its own key in jwk', () => forged({ jwk: { kty: 'OKP' } })],
    ['a key URL in jku', () => forged({ jku: 'http://127.0.0.1:1/keys' })],
    ['a certificate URL in x5u', () => forged({ x5u: 'http://127.0.0.1:1/cert' })],
    ['a certificate in x5c', () => forged({ x5c: ['MII'] })],
    ['an extension in crit', () => forged({ crit: ['exp'] })],
    ['an unencoded payload', () => forged({ b64: false })],
    ['the type of an ID token', () => forged({ typ: 'JWT' })],
    ['no type', () => forged({ typ: undefined })],
    ['another issuer', () => forged({}, { iss: 'https://evil.example' })],
    ['another audience', () => forged({}, { aud: 'https://evil.example' })],
    ['no audience', () => forged({}, { aud: undefined })],
    ['no expiry', () => forged({}, { exp: undefined })],
    ['an expiry far away', () => forged({}, { exp: Number(claims['iat']) + 90_000 })],
    ['an expiry that is text', () => forged({}, { exp: '9999999999' })],
    ['a time to come', () => forged({}, { nbf: Number(claims['iat']) + 3_600 })],
    ['an issue time to come', () => forged({}, { iat: Number(claims['iat']) + 3_600 })],
    ['no id', () => forged({}, { jti: undefined })],
    ['no epoch', () => forged({}, { epoch: undefined })],
    ['an epoch to come', () => forged({}, { epoch: Number(claims['epoch']) + 1 })],
    ['a subject that is a list', () => forged({}, { sub: ['anna'] })],
    ['a subject of every object', () => forged({}, { sub: 'constructor' })],
    ['the key of somebody else', () => signed(generateKeyPairSync('ed25519').privateKey, head, claims)],
    ['a changed claim', () => good.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: 'root' })}.`)],
    ['a changed signature', () => `${good.slice(0, -4)}AAAA`],
    ['two segments', () => good.split('.').slice(0, 2).join('.')],
    ['four segments', () => `${good}.AAAA`],
    ['five segments', () => `${good}.AAAA.AAAA`],
    ['padded segments', () => `${good}==`],
    ['duplicate members', () => duplicated()],
    ['more than 8 KiB', () => forged({}, { padding: 'x'.repeat(9_000) })],
  ])('with %s is refused in words that say nothing', async (_, make) => {
    for (const path of ['/auth/users', '/mcp/fs/tools/list']) {
      const { status, json, headers } = await as(gateway, make(), 'GET', path)
      expect([status, json.code, json.detail]).toEqual([401, 'CREDENTIAL_INVALID', 'the credential is not valid'])
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
  })

  it('gives no more than its user may: a role in the token is not looked at', async () => {
    const small = await userToken(gateway, 'ulla')
    const [first, second] = small.split('.')
    const risen = signed(key, decode(first), { ...decode(second), role: 'admin', scope: 'users:admin tools:read' })
    expect((await as(gateway, risen, 'GET', '/auth/users')).status).toBe(403)
    expect((await as(gateway, risen, 'GET', '/auth/me')).json.scopes).toEqual(['tools:read'])
  })

  it('is not read from the query, a cookie or a form', async () => {
    for (const query of [`?access_token=${good}`, `?token=${good}`, `?api_key=${good}`]) {
      expect((await as(gateway, undefined, 'GET', `/auth/users${query}`)).status).toBe(401)
    }
    expect((await gateway.get('/auth/users', { cookie: `token=${good}` })).status).toBe(401)
  })

  function hmacSigned(): string {
    const input = `${encode({ ...head, alg: 'HS256' })}.${encode(claims)}`
    const secret = key.export({ format: 'der', type: 'pkcs8' })
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }

  function duplicated(): string {
    const text = JSON.stringify(claims).replace('{', '{"sub":"root",')
    return signed(key, head, text)
  }
})
