import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { CredentialInvalidError, type CredentialProblem, type Principal, type Scope } from '@mcp-platform/auth'
import { waitFor } from '@mcp-platform/test-kit'
import { OpenExchanges } from '../../src/identity/open-exchanges.js'

const HOUR = 3_600_000

const principal = (scopes: Scope[], narrowed: Partial<Principal> = {}): Principal => ({
  id: 'key:a',
  kind: 'key',
  name: 'a',
  scopes: new Set(scopes),
  ...narrowed,
})

describe('an exchange under way', () => {
  const clock = { ms: 0 }
  let answer: Principal | CredentialProblem = principal(['tools:call'])
  let open: OpenExchanges
  let server: Server
  let url = ''

  beforeEach(async () => {
    clock.ms = 0
    answer = principal(['tools:call', 'tools:read'])
    const identify = (_: IncomingMessage): Principal => {
      if (typeof answer === 'string') throw new CredentialInvalidError(answer)
      return answer
    }
    open = new OpenExchanges(identify, () => clock.ms)
    server = createServer((request, response) => {
      open.add(request, response)
      open.admitted(request, identify(request))
      response.writeHead(200).write('.')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  /** Opens one, and says whether it has ended. */
  async function opened(method = 'GET'): Promise<() => boolean> {
    const reader = (await fetch(url, { method })).body?.getReader()
    await reader?.read()
    let ended = false
    void reader?.read().catch(() => {
      ended = true
    })
    return () => ended
  }

  it.each<[string, Principal]>([
    ['a scope', principal(['tools:read'])],
    ['templates', principal(['tools:call', 'tools:read'], { templates: ['fs'] })],
    ['tools', principal(['tools:call', 'tools:read'], { tools: ['read_*'] })],
  ])('is cut when its caller loses %s', async (_, less) => {
    const ended = await opened()
    answer = less
    open.check()
    await waitFor(ended, { what: 'it is cut' })
  })

  it('goes on when its caller has the same rights or more, and is cut at once when the credential is revoked', async () => {
    const ended = await opened('POST')
    for (const good of [
      principal(['tools:read', 'tools:call']),
      principal(['tools:call', 'tools:read', 'audit:read']),
    ]) {
      answer = good
      open.check()
    }
    await (await fetch(`${url}/other`)).body?.cancel()
    expect(ended()).toBe(false)
    answer = 'revoked'
    open.check()
    await waitFor(ended, { what: 'it is cut' })
  })

  it('is cut by the clock when it is a stream, and as a call only after an hour', async () => {
    const [stream, call] = [await opened('GET'), await opened('POST')]
    answer = 'expired'
    for (let turn = 0; turn < 3; turn++) open.checkSome()
    await waitFor(stream, { what: 'the stream is cut' })
    expect(call()).toBe(false)
    clock.ms += HOUR + 1
    for (let turn = 0; turn < 3; turn++) open.checkSome()
    await waitFor(call, { what: 'the call is cut' })
  })
})
