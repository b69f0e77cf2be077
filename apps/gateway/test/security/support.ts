import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FieldSealer, MasterKey, MasterKeyRing } from '@mcp-platform/auth'
import { kyselySigningKeyStore } from '@mcp-platform/store-kysely/auth'
import { type GatewayStartError, openStores, type StartOptions, startGateway } from '../../src/index.js'
import { type Answer, send, start, type TestGateway } from '../helpers.js'

export const PASSWORD = 'four words make one password'

/** Starts a gateway with authentication; many refusals in a short time are what these tests are made of. */
export function startSecured(flags: Record<string, unknown> = {}, more: StartOptions = {}): Promise<TestGateway> {
  const rate = ['unauthenticated=1000000/s', 'login=1000000/s']
  return start({ ...more, flags: { auth: true, 'rate-limit': rate, 'log-level': 'debug', ...flags } })
}

/** Sends a request with a credential of any kind, or none. */
export function as(
  gateway: { readonly url: string },
  credential: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json, text/event-stream' }
  if (credential !== undefined) headers['authorization'] = `Bearer ${credential}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return send(gateway.url + path, { method, headers, ...(body === undefined ? {} : { body: text }) })
}

/** Makes a user and logs in. */
export async function userToken(gateway: TestGateway, name: string, facts: object = {}): Promise<string> {
  const made = await gateway.admin('POST', '/auth/users', { name, password: PASSWORD, ...facts })
  if (made.status !== 201) throw new Error(made.text)
  return loginToken(gateway, name)
}

export async function loginToken(gateway: { readonly url: string }, username: string): Promise<string> {
  const login = await as(gateway, undefined, 'POST', '/auth/login', { username, password: PASSWORD })
  if (login.status !== 200) throw new Error(login.text)
  return login.json.access_token
}

/** Makes an API key and gives its text and id. */
export async function apiKey(gateway: TestGateway, facts: object): Promise<{ key: string; id: string }> {
  const made = await gateway.admin('POST', '/auth/api-keys', { name: 'test', ...facts })
  if (made.status !== 201) throw new Error(made.text)
  return { key: made.json.api_key, id: made.json.key.id }
}

/** The gateway's own signing key, as only somebody with its database and its master key could have it. */
export async function stolenKey(gateway: TestGateway): Promise<{ readonly kid: string; readonly key: KeyObject }> {
  const ring = new MasterKeyRing(MasterKey.parse(await readFile(join(gateway.stateDir, 'master-key'), 'utf8')))
  const stores = await openStores({ database: `sqlite://${join(gateway.stateDir, 'gateway.db')}`, schema: 'skip' })
  try {
    const [record] = await kyselySigningKeyStore(stores.kysely, stores.dialect).list()
    if (record === undefined) throw new Error('there is no signing key')
    const { kid, sealedPrivate } = record
    const jwk = JSON.parse(new FieldSealer(ring).open(sealedPrivate, `signing_keys|${kid}|private`))
    return { kid, key: createPrivateKey({ key: jwk, format: 'jwk' }) }
  } finally {
    await stores.close()
  }
}

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export function decode(segment: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(segment ?? '', 'base64url').toString('utf8'))
}

/** Signs header and claims, whatever they say. */
export function signed(key: KeyObject, header: unknown, claims: unknown): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}

/** Why a gateway does not start. */
export async function startFailure(options: StartOptions): Promise<GatewayStartError> {
  try {
    await (await startGateway({ logSink: { write: () => undefined }, ...options })).close()
  } catch (error) {
    return error as GatewayStartError
  }
  throw new Error('the gateway has started')
}
