import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { startFaultServer, tempDir, waitFor } from '@mcp-platform/test-kit'
import { start } from '../helpers.js'

interface Identity {
  readonly cert: string
  readonly key: string
}

async function selfSigned(name: string): Promise<Identity> {
  const folder = (await tempDir()).path
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert])
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
}

/** A server that lets only one client in, and asks another one for its answers. */
async function lockedServer(server: Identity, client: Identity, behind: string) {
  const options = { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true }
  const https = createServer(options, (incoming, outgoing) => {
    const { method, headers, url = '/' } = incoming
    if (url === '/healthz') return void outgoing.end()
    const forward = request(new URL(url, behind), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      pipeline(answer, outgoing, () => undefined)
    })
    forward.on('error', () => outgoing.destroy())
    pipeline(incoming, forward, () => undefined)
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  const close = async (): Promise<void> => {
    https.closeAllConnections()
    https.close()
    await once(https, 'close')
  }
  return { url: `https://127.0.0.1:${(https.address() as AddressInfo).port}${new URL(behind).pathname}`, close }
}

describe('a server behind TLS', () => {
  it('is known by its own authority and lets the gateway in by its certificate, which nobody gets to see', async () => {
    const upstream = await startFaultServer()
    const [server, client, stranger] = [await selfSigned('server'), await selfSigned('gateway'), await selfSigned('x')]
    const locked = await lockedServer(server, client, upstream.url)
    const env = { MCPP_STATE_DIR: (await tempDir()).path }
    const gateway = await start({ env })
    const texts: string[] = []
    const register = async (id: string, tls: object): Promise<boolean> => {
      const instance = { id, endpoint: locked.url, tls }
      const made = await gateway.admin('POST', '/gateway/register?probe=true', { template_name: 'fs', instance })
      texts.push(made.text)
      expect(made.status).toBe(201)
      return made.json.probe.ok
    }
    expect(await register('right', { ca: server.cert, ...client })).toBe(true)
    expect(await register('no-certificate', { ca: server.cert })).toBe(false)
    expect(await register('wrong-certificate', { ca: server.cert, ...stranger })).toBe(false)
    expect(await register('wrong-authority', { ca: stranger.cert, ...client })).toBe(false)
    const call = { name: 'echo', arguments: { message: 'hello' } }
    expect((await gateway.admin('POST', '/mcp/fs/tools/call', call)).text).toContain('hello')
    const registry = await gateway.get('/gateway/registry')
    const shown = registry.json.templates.fs.instances.find(({ id }: { id: string }) => id === 'right')
    expect(shown.tls).toEqual({ ca: { has_value: true }, cert: { has_value: true }, key: { has_value: true } })
    texts.push(registry.text, (await gateway.admin('GET', '/gateway/export')).text, gateway.logs.join(''))
    await gateway.close()

    const bytes = (await readFile(join(gateway.stateDir, 'gateway.db'))).toString('latin1')
    const [, secret = ''] = client.key.split('\n')
    expect(secret.length).toBeGreaterThan(30)
    for (const text of [...texts, bytes]) expect(text.includes(secret)).toBe(false)
    const again = await start({ env })
    expect((await again.admin('POST', '/mcp/fs/tools/call', call)).text).toContain('hello')
    await again.close()
    await locked.close()
    await upstream.stop()
  })

  it('is asked by an HTTP health check with the same certificates', async () => {
    const upstream = await startFaultServer()
    const [server, client] = [await selfSigned('server'), await selfSigned('gateway')]
    const locked = await lockedServer(server, client, upstream.url)
    const gateway = await start()
    const health_check = { kind: 'http', path: '/healthz' }
    const checked = (tls: object) => ({ health_check, instances: [{ id: 'x', endpoint: locked.url, tls }] })
    const templates = { good: checked({ ca: server.cert, ...client }), stranger: checked({ ca: server.cert }) }
    expect((await gateway.admin('POST', '/gateway/import', { templates })).status).toBe(200)
    const verdict = async (template: string) => {
      const instance = async () => (await gateway.get(`/mcp/${template}/health`)).json.instances.x
      await waitFor(async () => (await instance()).last_health_check !== null, { what: `${template} was checked` })
      return (await instance()).healthy
    }
    expect([await verdict('good'), await verdict('stranger')]).toEqual([true, false])
    await gateway.close()
    await locked.close()
    await upstream.stop()
  })
})
