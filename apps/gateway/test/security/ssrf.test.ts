import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { AddressGuard, HttpConnection, type ResolveName } from '@mcp-platform/mcp-upstream'
import { startIssuer, tempDir } from '@mcp-platform/test-kit'
import { tokenIssuers } from '../../src/config/token-issuer.js'
import { guardedFetch } from '../../src/identity/guarded-fetch.js'
import type { TestGateway } from '../helpers.js'
import { REFUSED_HOSTS, refusedUrls } from './ssrf-corpus.js'
import { as, startSecured } from './support.js'

const PUBLIC_ADDRESS = '93.184.216.34'
// Of this machine, and named by the operator of these tests.
const NAMED_ADDRESS = '127.0.0.2'

describe('an address that nobody may be sent to', () => {
  // Whatever way leads to this machine ends here: all its addresses, both families.
  let canary: Server
  let hits: string[] = []
  let port = 0
  let gateway: TestGateway

  beforeAll(async () => {
    canary = createServer((request, response) => {
      hits.push(`${request.headers.host}${request.url}`)
      response.end('{}')
    })
    canary.on('connection', () => hits.push('a connection'))
    await new Promise<void>((resolve) => canary.listen(0, '::', resolve))
    port = (canary.address() as AddressInfo).port
    gateway = await startSecured({ host: '0.0.0.0', 'health-interval': 600 })
  })
  afterAll(async () => {
    canary.closeAllConnections()
    await new Promise((resolve) => canary.close(resolve))
  })

  it('is in a corpus worth the name', () => {
    expect(new Set(refusedUrls(1)).size).toBeGreaterThanOrEqual(160)
  })

  it('is refused as it stands when it is no name, before anybody is asked', () => {
    const guard = new AddressGuard()
    const literals = REFUSED_HOSTS.filter((host) => URL.canParse(`http://${host}`)).filter(
      (host) => isIP(hostnameOf(host)) !== 0,
    )
    expect(literals.length).toBeGreaterThan(90)
    for (const host of literals) {
      expect(() => guard.checkUrl(new URL(`http://${host}`))).toThrow(/address refused/)
    }
  })

  it.each([
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::1]',
    'metadata.google.internal.',
  ])('is refused in the widest range that an operator can name when it is the metadata of a cloud: %s', (host) => {
    const guard = new AddressGuard({ allowPrivateCidrs: ['0.0.0.0/0', '::/0'] })
    expect(() => guard.checkUrl(new URL('http://10.0.0.1'))).not.toThrow()
    expect(() => guard.checkUrl(new URL(`http://${host}`))).toThrow(expect.objectContaining({ reason: 'metadata' }))
  })

  it('is refused at registration, or registered and never connected to', async () => {
    for (const [index, endpoint] of refusedUrls(port).entries()) {
      const body = { template_name: `r${index}`, instance: { id: 'x', endpoint } }
      const { status, json } = await gateway.admin('POST', '/gateway/register?probe=true', body)
      if (status === 201) {
        expect([endpoint, json.probe.ok]).toEqual([endpoint, false])
        await gateway.admin('DELETE', `/gateway/deregister/r${index}/x?force=true`)
      } else {
        expect([endpoint, status]).toEqual([endpoint, 422])
      }
      expect([endpoint, hits]).toEqual([endpoint, []])
    }
  })

  it('is refused when an instance that was good gets it', async () => {
    const template_name = 'changes'
    const good = { id: 'x', endpoint: 'https://mcp.example.com/mcp' }
    expect((await gateway.admin('POST', '/gateway/register', { template_name, instance: good })).status).toBe(201)
    for (const endpoint of refusedUrls(port)) {
      const body = { template_name, instance: { id: 'x', endpoint } }
      const { status, json } = await gateway.admin('POST', '/gateway/register?replace=true&probe=true', body)
      if (status < 300) expect([endpoint, json.probe.ok]).toEqual([endpoint, false])
      else expect([endpoint, status]).toEqual([endpoint, 422])
      expect([endpoint, hits]).toEqual([endpoint, []])
    }
  })

  it('is not connected to from a registry file, nor from an import', async () => {
    const urls = refusedUrls(port)
    const health_check = { kind: 'http', path: '/mcp' }
    const templates = Object.fromEntries(
      urls.flatMap((endpoint, index) => {
        const instances = [{ id: 'x', endpoint }]
        return [
          [`f${index}`, { instances }],
          [`h${index}`, { health_check, instances }],
        ]
      }),
    )
    const file = join((await tempDir()).path, 'registry.json')
    await writeFile(file, JSON.stringify({ templates }))
    // Started means that every instance was probed once.
    const next = await startSecured({ host: '0.0.0.0', 'registry-file': file, 'health-interval': 600 })
    const imported = await gateway.admin('POST', '/gateway/import', { templates })
    expect([200, 422]).toContain(imported.status)
    const { json } = await next.admin('GET', '/gateway/registry')
    const found = Object.values<{ instances: { healthy?: boolean; status: string }[] }>(json.templates)
    expect(found.length).toBeGreaterThan(100)
    for (const { instances } of found) for (const { status } of instances) expect(status).not.toBe('healthy')
    expect(hits).toEqual([])
    await next.close()
  })

  it('is not where the keys of an issuer are read, whatever the configuration says', async () => {
    const fetchKeys = guardedFetch({})
    for (const url of refusedUrls(port)) {
      await expect(async () => fetchKeys(url, { signal: AbortSignal.timeout(2_000) })).rejects.toThrow()
      expect([url, hits]).toEqual([url, []])
    }
    for (const host of REFUSED_HOSTS) {
      const raw = [{ issuer: 'https://idp.example', default_role: 'user', jwks_url: `http://${host}/keys` }]
      const parsed = tokenIssuers().parse(raw, '/')
      const local = 'value' in parsed ? new URL(parsed.value[0]?.jwks_url ?? '').hostname : 'refused'
      expect(local).toMatch(/^(refused|127\.[\d.]+|\[::1\]|(.*\.)?localhost\.?)$/)
    }
  })

  it.each<[string, readonly string[]]>([
    ['an address of this machine', ['127.0.0.1']],
    ['one of this machine among good ones', [PUBLIC_ADDRESS, '127.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['a private address', ['10.0.0.1']],
    ['IPv6 of this machine', ['::1']],
    ['IPv4 of this machine in IPv6', ['::ffff:127.0.0.1']],
    ['a link-local address with a zone', ['fe80::1%lo']],
  ])('is not reached by a name that first means something else, and then %s', async (_, then) => {
    let answers: readonly string[] = [NAMED_ADDRESS]
    const resolve: ResolveName = (_hostname, _options, callback) => {
      callback(
        null,
        answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    }
    const policy = { allowPrivateCidrs: [`${NAMED_ADDRESS}/32`], resolve }
    const url = `http://rebind.example:${port}/mcp`
    const fetchIt = guardedFetch(policy)
    expect(await (await fetchIt(url, {})).text()).toBe('{}')
    expect(hits).toEqual(['a connection', `rebind.example:${port}/mcp`])
    hits = []
    answers = then
    await expect(fetchIt(url, {})).rejects.toMatchObject({ code: 'UPSTREAM_ADDRESS_REFUSED' })
    const connection = new HttpConnection({ url, guard: policy })
    const limits = { connectMs: 2_000, idleMs: 2_000, maxAnswerBytes: 1_000 }
    await expect(connection.identify({ signal: AbortSignal.timeout(5_000), limits })).rejects.toMatchObject({
      code: 'UPSTREAM_ADDRESS_REFUSED',
    })
    await connection.close()
    expect(hits).toEqual([])
  })

  it('is not reached by a redirect, of a server or of an issuer', async () => {
    const elsewhere = await startIssuer()
    elsewhere.mode = 'redirect'
    elsewhere.redirectTo = `http://127.0.0.1:${port}/mcp`
    const local = await startSecured()
    const instance = { id: 'x', endpoint: `${elsewhere.url}/mcp` }
    const made = await local.admin('POST', '/gateway/register?probe=true', { template_name: 'moved', instance })
    expect([made.status, made.json.probe.ok]).toEqual([201, false])
    expect((await as(local, local.adminToken, 'GET', '/mcp/moved/tools/list')).status).toBeGreaterThanOrEqual(500)
    const answer = await guardedFetch({ allowLoopback: true })(elsewhere.jwksUrl, {})
    expect(answer.status).toBe(302)
    await answer.text()
    expect(hits).toEqual([])
    await local.close()
    await elsewhere.stop()
  })
})

const hostnameOf = (host: string): string => new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '')
