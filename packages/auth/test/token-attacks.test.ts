import { createHmac, generateKeyPairSync, sign as nodeSign } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { exportSPKI, SignJWT } from 'jose'
import { type Principal, parseCompact } from '../src/index.js'
import { failureOf, makeWorld, PUBLIC_URL, root, START, type World } from './support/world.js'

const SECOND = 1_000
const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

interface Field {
  readonly world: World
  readonly kid: string
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
  /** A token with a good signature of ours. */
  sign(change: { header?: object; claims?: object }): Promise<string>
  /** Signs any two texts with our key: what an attacker cannot do, to see that the other checks hold too. */
  signTexts(header: string, claims: string): Promise<string>
}

async function field(): Promise<Field> {
  const world = await makeWorld()
  const { epoch } = await world.users.create({ name: 'anna', role: 'user' }, root)
  const { kid, key } = await world.signingKeys.signer()
  const seconds = START / SECOND
  const header = { alg: 'EdDSA', kid, typ: 'at+jwt' }
  const claims = {
    iss: PUBLIC_URL,
    aud: PUBLIC_URL,
    sub: 'anna',
    jti: 'j',
    iat: seconds,
    exp: seconds + 900,
    epoch,
    role: 'user',
  }
  const signTexts = async (head: string, body: string): Promise<string> => {
    const input = `${encode(head)}.${encode(body)}`
    const signature = await crypto.subtle.sign('Ed25519', key, Buffer.from(input))
    return `${input}.${Buffer.from(signature).toString('base64url')}`
  }
  const sign: Field['sign'] = (change) =>
    signTexts(JSON.stringify({ ...header, ...change.header }), JSON.stringify({ ...claims, ...change.claims }))
  return { world, kid, header, claims, sign, signTexts }
}

const authenticate = async ({ world }: Field, token: string): Promise<Principal> =>
  world.authenticator.authenticate({ authorization: `Bearer ${token}` })

async function problemOf(on: Field, token: string): Promise<unknown> {
  const error = await failureOf(() => authenticate(on, token))
  expect(error).toMatchObject({ code: 'AUTH_CREDENTIAL_INVALID', message: 'the credential is not valid' })
  return (error as { problem: string }).problem
}

describe('a token of ours', () => {
  it('is taken as it is made', async () => {
    const on = await field()
    expect(await authenticate(on, await on.sign({}))).toMatchObject({ id: 'user:anna', kind: 'user', name: 'anna' })
  })

  it.each([
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'HS256',
    'hs256',
    'HS512',
    'RS256',
    'ES256',
    'Ed448',
    'eddsa',
    'dir',
    'RSA-OAEP',
  ])('is refused with alg %j, with and without a signature', async (alg) => {
    const on = await field()
    const signed = await on.sign({ header: { alg } })
    expect(['malformed', 'signature']).toContain(await problemOf(on, signed))
    const [head, body] = signed.split('.')
    expect(await problemOf(on, `${head}.${body}.`)).toBe('malformed')
    expect(await problemOf(on, `${head}.${body}`)).toBe('malformed')
  })

  it('is refused when it is signed with the public key as a shared secret', async () => {
    const on = await field()
    const [published] = on.world.signingKeys.jwks().keys
    const found = on.world.signingKeys.find(on.kid)
    if (found === undefined || published === undefined) throw new Error('no key')
    const pem = await exportSPKI(found.key)
    const secrets = [
      pem,
      pem.trim(),
      JSON.stringify(published),
      published['x'] ?? '',
      Buffer.from(published['x'] ?? '', 'base64url'),
    ]
    for (const secret of secrets) {
      for (const alg of ['HS256', 'EdDSA']) {
        const input = `${encode({ ...on.header, alg })}.${encode(on.claims)}`
        const mac = createHmac('sha256', secret).update(input).digest('base64url')
        expect(await problemOf(on, `${input}.${mac}`)).toBe('signature')
      }
    }
  })

  it('is refused when another key has signed it, whatever kid it names', async () => {
    const on = await field()
    const { privateKey } = generateKeyPairSync('ed25519')
    const input = `${encode(on.header)}.${encode(on.claims)}`
    expect(
      await problemOf(on, `${input}.${nodeSign(null, Buffer.from(input), privateKey).toString('base64url')}`),
    ).toBe('signature')
    const own = await new SignJWT(on.claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: 'attacker', typ: 'at+jwt' })
      .sign(privateKey)
    expect(await problemOf(on, own)).toBe('unknown')
  })

  it.each([
    '../../../etc/passwd',
    '/dev/null',
    "' OR 1=1 --",
    "x' UNION SELECT 'secret",
    '__proto__',
    'constructor',
    'toString',
    '',
    'a'.repeat(65),
    'a'.repeat(300),
    'k\0',
    'ключ',
    'http://evil/key',
    '| cat /etc/passwd',
  ])('is refused with the key id %j', async (kid) => {
    const on = await field()
    expect(['unknown', 'malformed']).toContain(await problemOf(on, await on.sign({ header: { kid } })))
  })

  it.each([7, null, true, ['a'], { a: 1 }])('is refused with a key id that is no text: %j', async (kid) => {
    const on = await field()
    expect(await problemOf(on, await on.sign({ header: { kid } }))).toBe('malformed')
  })

  it.each([
    ['jwk', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }],
    ['jku', 'https://evil.example/jwks.json'],
    ['x5u', 'https://evil.example/cert.pem'],
    ['x5c', ['MIIB']],
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
    ['zip', 'DEF'],
    ['enc', 'A256GCM'],
    ['cty', 'JWT'],
  ])('is refused with the header %s, though the signature is good', async (name, value) => {
    const on = await field()
    expect(await problemOf(on, await on.sign({ header: { [name]: value } }))).toBe('malformed')
  })

  it('is refused when it is not three clean segments', async () => {
    const on = await field()
    const good = await on.sign({})
    const [head = '', body = '', signature = ''] = good.split('.')
    const shapes = [
      `${good}.`,
      `${good}.${signature}`,
      `.${good}`,
      `${head}..${signature}`,
      `${head}.${body}.${signature}=`,
      `${head}=.${body}.${signature}`,
      `${head}.${body}.${signature.slice(0, -1)}`,
      `${head}.${body}.${signature}AA`,
      `${head}.${body}.*${signature.slice(1)}`,
      `${head}.${body}.+/${signature.slice(2)}`,
      `${head}.${body}.`,
      '..',
      '.',
      'a.b.c',
      'a.b.c.d.e',
      `${encode('[]')}.${body}.${signature}`,
      `${encode('null')}.${body}.${signature}`,
      `${encode('{"alg":')}.${body}.${signature}`,
      `${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${body}.${signature}`,
      `${encode('\ufeff{}')}.${body}.${signature}`,
      JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] }),
    ]
    for (const shape of shapes) expect(['malformed', 'signature']).toContain(await problemOf(on, shape))
  })

  it('is refused with the last bits of its signature changed: one signature has one spelling', async () => {
    const on = await field()
    const good = await on.sign({})
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(good.slice(-1))
    const twin = alphabet[last + 1] ?? ''
    expect(Buffer.from(`${good}`.slice(0, -1) + twin, 'base64url')).toEqual(Buffer.from(good, 'base64url'))
    expect(await problemOf(on, good.slice(0, -1) + twin)).toBe('malformed')
  })

  it('is refused when it is long, at once', async () => {
    const on = await field()
    expect(await problemOf(on, await on.sign({ claims: { padding: 'x'.repeat(8_192) } }))).toBe('malformed')
    expect(await problemOf(on, 'a'.repeat(1_000_000))).toBe('malformed')
    expect(await problemOf(on, `${'a.'.repeat(4_000)}a`)).toBe('malformed')
  })

  it('is refused when a member comes twice, though the signature is good', async () => {
    const on = await field()
    const head = JSON.stringify(on.header)
    const body = JSON.stringify(on.claims)
    const twins: [string, string][] = [
      [head.replace('{', '{"alg":"none",'), body],
      [head.replace('{', '{"al\\u0067":"none",'), body],
      [head, body.replace('{', '{"sub":"root",')],
      [head, body.replace('{', '{"\\u0073ub":"root",')],
      [head, body.replace('}', ',"nested":[{"a":1,"a":2}]}')],
    ]
    for (const [twinHead, twinBody] of twins)
      expect(await problemOf(on, await on.signTexts(twinHead, twinBody))).toBe('malformed')
    const nested = body.replace('}', ',"nested":[{"a":":"},{"a":"\\"a\\":"}]}')
    expect(await authenticate(on, await on.signTexts(head, nested))).toMatchObject({ id: 'user:anna' })
  })

  it('is refused for every other claim than ours', async () => {
    const on = await field()
    const now = START / SECOND
    const cases: [object, string][] = [
      [{ exp: now - 31, iat: now - 60 }, 'expired'],
      [{ exp: now - 30, iat: now - 60 }, 'expired'],
      [{ nbf: now + 31 }, 'not-yet-valid'],
      [{ iat: now + 31, exp: now + 60 }, 'not-yet-valid'],
      [{ exp: now + 901 }, 'claims'],
      [{ exp: undefined }, 'claims'],
      [{ iat: undefined }, 'claims'],
      [{ exp: 'never' }, 'claims'],
      [{ exp: 1e300 }, 'claims'],
      [{ jti: undefined }, 'claims'],
      [{ sub: undefined }, 'claims'],
      [{ epoch: undefined }, 'claims'],
      [{ epoch: '1' }, 'claims'],
      [{ aud: 'https://other.example' }, 'audience'],
      [{ aud: `${PUBLIC_URL}/` }, 'audience'],
      [{ aud: [] }, 'audience'],
      [{ aud: undefined }, 'audience'],
      [{ iss: 'https://other.example' }, 'issuer'],
      [{ iss: `${PUBLIC_URL}/` }, 'issuer'],
      [{ iss: [PUBLIC_URL] }, 'malformed'],
      [{ iss: undefined }, 'malformed'],
      [{ sub: 'nobody' }, 'unknown'],
      [{ sub: '__proto__' }, 'unknown'],
      [{ sub: ['anna'] }, 'claims'],
      [{ epoch: 1 }, 'revoked'],
    ]
    for (const [claims, problem] of cases)
      expect([claims, await problemOf(on, await on.sign({ claims }))]).toEqual([claims, problem])
  })

  it('is taken within the leeway of clocks', async () => {
    const on = await field()
    const now = START / SECOND
    for (const claims of [
      { exp: now - 29, iat: now - 60 },
      { nbf: now + 30 },
      { iat: now + 30 },
      { aud: ['x', PUBLIC_URL] },
    ]) {
      expect(
        await authenticate(on, await on.sign({ claims: { jti: JSON.stringify(claims), ...claims } })),
      ).toMatchObject({ id: 'user:anna' })
    }
  })

  it.each(['JWT', 'jwt', 'id_token+jwt', 'refresh+jwt', 'dpop+jwt', '', undefined, 7])(
    'is refused with typ %j',
    async (typ) => {
      const on = await field()
      expect(await problemOf(on, await on.sign({ header: { typ } }))).toBe('type')
    },
  )

  it('is not a refresh token, nor an API key', async () => {
    const on = await field()
    await on.world.users.setPassword('anna', 'a long enough sentence', root)
    const { refreshToken } = await on.world.sessions.login('anna', 'a long enough sentence')
    expect(await problemOf(on, refreshToken)).toBe('malformed')
    expect(await failureOf(() => on.world.sessions.refresh('x.y.z'))).toMatchObject({ code: 'AUTH_LOGIN_FAILED' })
    const access = await on.sign({})
    expect(await failureOf(() => on.world.sessions.refresh(access))).toMatchObject({ code: 'AUTH_LOGIN_FAILED' })
  })
})

describe('taking tokens apart', () => {
  it('ends in parts or in one error, for any text', () => {
    const segment = fc.oneof(
      fc.string(),
      fc.json().map(encode),
      fc.dictionary(fc.string(), fc.anything()).map((value) => encode(JSON.stringify(value) ?? '')),
    )
    const token = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(segment, { maxLength: 5 }).map((parts) => parts.join('.')),
    )
    fc.assert(
      fc.property(token, (text) => {
        try {
          const parsed = parseCompact(text)
          expect(typeof parsed.kid).toBe('string')
        } catch (error) {
          expect(error).toMatchObject({ code: 'AUTH_CREDENTIAL_INVALID' })
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
