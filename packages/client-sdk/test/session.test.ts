import { describe, expect, it } from '@jest/globals'
import {
  GatewayClient,
  memorySessionStore,
  NotAuthenticatedError,
  RateLimitedError,
  SessionEndedError,
  type SessionStore,
  type SessionTokens,
} from '../src/index.js'
import { type FakeGateway, sendJson, sendProblem, startFakeGateway } from './fake-gateway.js'

const MINUTE_MS = 60_000

/** A gateway that knows one access token at a time and hands out numbered ones; each refresh token works once. */
async function startIdentity(): Promise<FakeGateway & { end(): void }> {
  let valid = 0
  const tokens = () => {
    valid++
    return { access_token: `access-${valid}`, token_type: 'bearer', expires_in: 900, refresh_token: `refresh-${valid}` }
  }
  const gateway = await startFakeGateway((seen, response) => {
    if (seen.url === '/auth/login') return sendJson(response, tokens())
    const refused = { status: 401, code: 'CREDENTIAL_INVALID' }
    if (seen.url === '/auth/refresh') {
      const { refresh_token: given } = seen.body as { refresh_token: string }
      return given === `refresh-${valid}` ? sendJson(response, tokens()) : sendProblem(response, refused)
    }
    if (seen.headers.authorization !== `Bearer access-${valid}`) return sendProblem(response, refused)
    if (seen.url === '/auth/logout' || seen.url === '/auth/password') return void response.writeHead(204).end()
    return sendJson(response, { name: 'anna', tools: [] })
  })
  return Object.assign(gateway, {
    end: () => {
      valid += 100
    },
  })
}

function urls({ seen }: FakeGateway): string[] {
  return seen.map(({ url, headers }) => `${url} ${headers.authorization ?? '-'}`)
}

describe('a login', () => {
  it('is sent with every request that follows, and not with itself', async () => {
    await using gateway = await startIdentity()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.login('anna', 'correct horse battery')
    await client.listTools('fs')
    expect(gateway.seen[0]?.body).toEqual({ username: 'anna', password: 'correct horse battery' })
    expect(urls(gateway)).toEqual(['/auth/login -', '/mcp/fs/tools/list Bearer access-1'])
  })

  it('renews its token before it ends', async () => {
    await using gateway = await startIdentity()
    let now = 0
    await using client = new GatewayClient({ baseUrl: gateway.url, now: () => now })
    await client.login('anna', 'p')
    now = 14 * MINUTE_MS
    await client.me()
    now = 14.6 * MINUTE_MS
    await client.me()
    expect(urls(gateway)).toEqual([
      '/auth/login -',
      '/auth/me Bearer access-1',
      '/auth/refresh -',
      '/auth/me Bearer access-2',
    ])
  })

  it('renews a token that is refused, and sends the request again, also one that changes something', async () => {
    await using gateway = await startIdentity()
    const tokens = { accessToken: 'revoked', refreshToken: 'refresh-0' }
    await using client = new GatewayClient({ baseUrl: gateway.url, sessionStore: memorySessionStore(tokens) })
    await client.callTool('fs', 'write')
    expect(urls(gateway)).toEqual([
      '/mcp/fs/tools/call Bearer revoked',
      '/auth/refresh -',
      '/mcp/fs/tools/call Bearer access-1',
    ])
  })

  it('is renewed once for all who need it at the same time', async () => {
    await using gateway = await startIdentity()
    const tokens = { accessToken: 'revoked', refreshToken: 'refresh-0' }
    await using client = new GatewayClient({ baseUrl: gateway.url, sessionStore: memorySessionStore(tokens) })
    await Promise.all(Array.from({ length: 20 }, () => client.me()))
    expect(gateway.seen.filter(({ url }) => url === '/auth/refresh')).toHaveLength(1)
  })

  it('is renewed by one of several clients that share a store, and the others take what it got', async () => {
    await using gateway = await startIdentity()
    const store = sharedStore({ accessToken: 'revoked', refreshToken: 'refresh-0' })
    await using one = new GatewayClient({ baseUrl: gateway.url, sessionStore: store })
    await using other = new GatewayClient({ baseUrl: gateway.url, sessionStore: store })
    await Promise.all([one.me(), other.me()])
    expect(gateway.seen.filter(({ url }) => url === '/auth/refresh')).toHaveLength(1)
    expect(await store.load()).toMatchObject({ accessToken: 'access-1', refreshToken: 'refresh-1' })
  })

  it('that the gateway no longer knows ends with a clear error, and is not tried for ever', async () => {
    await using gateway = await startIdentity()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.login('anna', 'p')
    gateway.end()
    await expect(client.me()).rejects.toBeInstanceOf(SessionEndedError)
    await expect(client.me()).rejects.toBeInstanceOf(NotAuthenticatedError)
    expect(gateway.seen.filter(({ url }) => url === '/auth/refresh')).toHaveLength(1)
  })

  it('lets a caller give up its own wait without ending the renewal of the others', async () => {
    await using gateway = await startIdentity()
    const gate = Promise.withResolvers<void>()
    const store = sharedStore({ accessToken: 'revoked', refreshToken: 'refresh-0' })
    const slow: SessionStore = { ...store, exclusively: (work) => gate.promise.then(work) }
    await using client = new GatewayClient({ baseUrl: gateway.url, sessionStore: slow })
    const controller = new AbortController()
    const impatient = client.refresh({ signal: controller.signal })
    const patient = client.refresh()
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    gate.resolve()
    expect(await patient).toMatchObject({ accessToken: 'access-1' })
  })

  it('ends here and at the gateway', async () => {
    await using gateway = await startIdentity()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.login('anna', 'p')
    await client.logout()
    await client.logout()
    expect(gateway.seen.at(-1)).toMatchObject({ url: '/auth/logout', body: { refresh_token: 'refresh-1' } })
    await expect(client.me()).rejects.toBeInstanceOf(NotAuthenticatedError)
    expect(gateway.seen.at(-1)?.headers.authorization).toBeUndefined()
  })

  it('outlives a change of the password', async () => {
    await using gateway = await startIdentity()
    await using client = new GatewayClient({ baseUrl: gateway.url })
    await client.login('anna', 'old')
    await client.changePassword('old', 'new')
    await client.me()
    expect(gateway.seen[2]?.body).toEqual({ current_password: 'old', new_password: 'new' })
    expect(gateway.seen[3]?.body).toEqual({ username: 'anna', password: 'new' })
    expect(urls(gateway).at(-1)).toBe('/auth/me Bearer access-2')
  })

  it('is refused where another credential was given', async () => {
    await using client = new GatewayClient({ baseUrl: 'http://127.0.0.1:1', apiKey: 'k' })
    await expect(client.login('anna', 'p')).rejects.toThrow('make one without')
  })

  it('that comes too often says when to come again', async () => {
    const limited = { status: 429, code: 'LOGIN_THROTTLED', retry_after_seconds: 8 }
    await using gateway = await startFakeGateway((_, response) => sendProblem(response, limited))
    await using client = new GatewayClient({ baseUrl: gateway.url })
    const error = await client.login('anna', 'p').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error).toMatchObject({ code: 'LOGIN_THROTTLED', retryAfterMs: 8_000 })
    expect(gateway.seen).toHaveLength(1)
  })
})

/** As processes share a file: each reads it anew, one at a time renews. */
function sharedStore(first: SessionTokens): SessionStore {
  const store = memorySessionStore(first)
  let last: Promise<unknown> = Promise.resolve()
  return {
    ...store,
    exclusively: <T>(work: () => Promise<T>) => {
      const mine = last.then(work)
      last = mine.catch(() => undefined)
      return mine
    },
  }
}
