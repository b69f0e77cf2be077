import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { CommandFailedError, HealthMonitor, httpProbe } from '../src/index.js'
import { commandProbe, tcpProbe } from '../src/node.js'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const never = new AbortController().signal

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, server }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('httpProbe', () => {
  const answering = (status: number) => serve((_, response) => response.writeHead(status).end('x'.repeat(100_000)))

  it('is fit on any 2xx and unfit on 500, with the status', async () => {
    expect(await httpProbe()(await answering(204), never)).toEqual({ verdict: 'fit' })
    expect(await httpProbe()(await answering(500), never)).toEqual({ verdict: 'unfit', reason: 'HTTP 500' })
  })

  it('holds 401 and 403 as unauthenticated, unless they are what is wanted', async () => {
    const target = await answering(401)
    expect(await httpProbe()(target, never)).toEqual({ verdict: 'held', reason: 'unauthenticated' })
    expect(await httpProbe({ status: [200, 401] })(target, never)).toEqual({ verdict: 'fit' })
  })

  it('does not follow a redirect', async () => {
    const target = await serve((_, response) => response.writeHead(302, { location: '/elsewhere' }).end())
    expect(await httpProbe()(target, never)).toEqual({ verdict: 'unfit', reason: 'HTTP 302' })
  })

  it('asks the path, with headers and method', async () => {
    const seen: unknown[] = []
    const target = await serve((request, response) => {
      seen.push([request.method, request.url, request.headers['x-probe']])
      response.end()
    })
    await httpProbe({ path: '/healthz', headers: { 'x-probe': 'yes' } })(target, never)
    await httpProbe({ path: 'healthz', method: 'HEAD' })(target, never)
    await httpProbe()(target, never)
    expect(seen).toEqual([
      ['GET', '/healthz', 'yes'],
      ['HEAD', '/base/healthz', undefined],
      ['GET', '/base/', undefined],
    ])
  })

  it('is fit on the head of an answer whose body never ends', async () => {
    const target = await serve((_, response) => response.writeHead(200).write('data: 1\n\n'))
    expect(await httpProbe()(target, never)).toEqual({ verdict: 'fit' })
  })

  it('rejects when nobody listens', async () => {
    const target = { url: `http://127.0.0.1:${await freePort()}` }
    await expect(httpProbe()(target, never)).rejects.toThrow('fetch failed')
  })

  it('ends when it is aborted while the server does not answer', async () => {
    const abort = new AbortController()
    const target = await serve(() => abort.abort(new Error('too late')))
    await expect(httpProbe()(target, abort.signal)).rejects.toThrow('too late')
  })

  it('uses the fetch that it is given', async () => {
    const probe = httpProbe({ fetch: () => Promise.resolve(new Response(null, { status: 503 })) })
    expect(await probe({ url: 'http://unused.invalid' }, never)).toEqual({ verdict: 'unfit', reason: 'HTTP 503' })
  })
})

describe('tcpProbe', () => {
  it('is fit when somebody listens, by host and port or by url, and closes the connection', async () => {
    const { url, server } = await serve(() => undefined)
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    server.once('connection', (socket: Socket) => socket.resume().once('close', () => resolve()))
    expect(await tcpProbe()({ url }, never)).toBeUndefined()
    await closed
    expect(await tcpProbe()({ host: '127.0.0.1', port: Number(new URL(url).port) }, never)).toBeUndefined()
  })

  it('rejects when nobody listens', async () => {
    const target = { host: '127.0.0.1', port: await freePort() }
    await expect(tcpProbe()(target, never)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('rejects with the reason when it is aborted', async () => {
    const { url } = await serve(() => undefined)
    await expect(tcpProbe()({ url }, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up')
  })
})

describe('commandProbe', () => {
  const node = process.execPath

  it('is fit on exit code 0 and passes arguments as they are, without a shell', async () => {
    const probe = commandProbe<{ name: string }>({
      command: node,
      args: ({ name }) => ['-e', 'process.exit(process.argv[1] === "$(echo a) b" ? 0 : 3)', name],
    })
    expect(await probe({ name: '$(echo a) b' }, never)).toBeUndefined()
    await expect(probe({ name: 'other' }, never)).rejects.toMatchObject({ code: 'HEALTH_COMMAND_FAILED', exitCode: 3 })
  })

  it('tells the last line of stderr, however much there was', async () => {
    const script = 'process.stderr.write("x".repeat(300_000) + "\\nno space left\\n", () => process.exit(1))'
    const failed = commandProbe({ command: node, args: ['-e', script] })({}, never)
    await expect(failed).rejects.toThrow(
      new CommandFailedError({ exitCode: 1, signal: null, lastLine: 'no space left' }),
    )
  })

  it('rejects when there is no such command', async () => {
    await expect(commandProbe({ command: '/no/such/command' })({}, never)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('does not pass on the environment of this process but for the usual six names', async () => {
    process.env['HEALTH_TEST_SECRET'] = 'secret'
    const script =
      'process.exit(process.env.HEALTH_TEST_SECRET === undefined && process.env.GIVEN === "1" && process.env.PATH ? 0 : 1)'
    try {
      expect(
        await commandProbe({ command: node, args: ['-e', script], env: { GIVEN: '1' } })({}, never),
      ).toBeUndefined()
    } finally {
      delete process.env['HEALTH_TEST_SECRET']
    }
  })

  it('kills the whole process group when it is aborted', async () => {
    // The command starts a child of its own, tells both pids to this server, and both would run for a minute.
    const { promise: pids, resolve } = Promise.withResolvers<number[]>()
    const { url } = await serve((request, response) => {
      resolve((request.url ?? '').split('/').at(-1)?.split(',').map(Number) ?? [])
      response.end()
    })
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'])
      require('node:http').get(process.argv[1] + process.pid + ',' + child.pid)
      setTimeout(() => {}, 60_000)`
    const abort = new AbortController()
    const probed = commandProbe({ command: node, args: ['-e', script, url] })({}, abort.signal)
    const started = await pids
    expect(started.map(isAlive)).toEqual([true, true])
    abort.abort(new Error('timeout'))
    await expect(probed).rejects.toThrow('timeout')
    await expect(allGone(started)).resolves.toBe(true)
  })

  it('leaves no grandchild behind when the command itself ends well', async () => {
    const { promise: pid, resolve } = Promise.withResolvers<number>()
    const { url } = await serve((request, response) => {
      resolve(Number((request.url ?? '').split('/').at(-1)))
      response.end()
    })
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'inherit' })
      require('node:http').get(process.argv[1] + child.pid, (response) => response.resume().on('end', () => process.exit(0)))`
    await commandProbe({ command: node, args: ['-e', script, url] })({}, never)
    await expect(allGone([await pid])).resolves.toBe(true)
  })
})

/** Waits until killed processes are reaped by whoever inherits them; a zombie of an idle init counts as gone. */
async function allGone(pids: readonly number[]): Promise<boolean> {
  const states = await Promise.all(pids.filter(isAlive).map(stateOf))
  if (states.every((state) => state === 'Z' || state === undefined)) return true
  await new Promise((resolve) => setTimeout(resolve, 5))
  return await allGone(pids)
}

async function stateOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
}

describe('a monitor on real time and sockets', () => {
  it('notices that a server is gone and that it is back', async () => {
    const first = await serve((_, response) => response.end())
    const { port } = new URL(first.url)
    const statuses: string[] = []
    const { promise: down, resolve: onDown } = Promise.withResolvers<void>()
    const { promise: up, resolve: onUp } = Promise.withResolvers<void>()
    await using monitor = new HealthMonitor({
      targets: [{ id: 'a', url: first.url }],
      probe: httpProbe(),
      intervalMs: 20,
      edgeIntervalMs: 10,
      downMinIntervalMs: 10,
      downMaxIntervalMs: 20,
      onEvent: (event) => {
        if (event.type !== 'status') return
        statuses.push(event.to)
        if (event.to === 'unhealthy') onDown()
        else if (statuses.length > 1) onUp()
      },
    })
    await monitor.start()
    first.server.closeAllConnections()
    await new Promise((resolve) => first.server.close(resolve))
    await down
    const second = createServer((_, response) => response.end()).listen(Number(port), '127.0.0.1')
    cleanups.push(() => new Promise((resolve) => second.close(resolve)))
    await up
    expect(statuses).toEqual(['healthy', 'unhealthy', 'healthy'])
  })
})

describe('the entries that run anywhere', () => {
  it.each(['index.ts', 'testing.ts'])('%s reaches no module of Node', async (entry) => {
    const seen = new Set<string>()
    const visit = async (url: URL): Promise<void> => {
      if (seen.has(url.href)) return
      seen.add(url.href)
      const source = await readFile(url, 'utf8')
      for (const [, specifier = ''] of source.matchAll(/from '([^']+)'/g)) {
        expect(specifier).toMatch(/^\.\.?\//)
        await visit(new URL(specifier.replace(/\.js$/, '.ts'), url))
      }
    }
    await visit(new URL(`../src/${entry}`, import.meta.url))
    expect(seen.size).toBeGreaterThan(3)
  })
})
