import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { MemoryRegistryStore, Registry } from '@mcp-platform/core-registry'
import type { GatewayCounts, WatchOptions } from '@mcp-platform/gateway-core'
import type { HealthEvent, TargetView } from '@mcp-platform/health'
import { tempDir, waitFor } from '@mcp-platform/test-kit'
import { CircuitBoard } from '../../src/workers/circuit-board.js'
import { CountsBook } from '../../src/workers/counts-book.js'
import { FollowingHealth } from '../../src/workers/following-health.js'
import { Link, type MessagePort } from '../../src/workers/link.js'
import { serveLocally } from '../../src/workers/local-server.js'
import { PipeBrokenError, Pipes } from '../../src/workers/pipe.js'
import type { InstanceName, Verdict } from '../../src/workers/protocol.js'
import { changesBetween, ReplicaStore, wholeState } from '../../src/workers/replica-store.js'

const stops: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

describe('a replica of the registry', () => {
  it('is what the original is, after every change', async () => {
    const original = new Registry({ store: new MemoryRegistryStore() })
    await original.load()
    const by = { actor: 'test' }
    const endpoint = 'http://127.0.0.1:9/mcp'
    await original.register({ template_name: 'a', instance: { id: 'one', endpoint } }, { by })
    const store = new ReplicaStore()
    const replica = new Registry({ store })
    store.push(wholeState(original.state))
    await replica.load()
    original.subscribe((next, previous) => store.push(changesBetween(previous, next)))
    const changes = [
      () => original.register({ template_name: 'a', instance: { id: 'two', endpoint } }, { by }),
      () => original.register({ template_name: 'b', instance: { id: 'one', endpoint } }, { by }),
      () => original.updateTemplate('b', { load_balancer: { strategy: 'random' } }, by),
      () => original.updateInstance('a', 'two', { weight: 7 }, by),
      () => original.deregister('a', 'one', by),
      () => original.deregister('a', 'two', by),
    ]
    for (const change of changes) {
      await change()
      await replica.refresh()
      expect(replica.state).toEqual(original.state)
    }
  })

  it('carries only what is different, and several changes at once', async () => {
    const original = new Registry({ store: new MemoryRegistryStore() })
    await original.load()
    const by = { actor: 'test' }
    const endpoint = 'http://127.0.0.1:9/mcp'
    await original.register({ template_name: 'a', instance: { id: 'one', endpoint } }, { by })
    await original.register({ template_name: 'b', instance: { id: 'one', endpoint } }, { by })
    const before = original.state
    await original.updateInstance('b', 'one', { weight: 7 }, by)
    const { operations } = changesBetween(before, original.state)
    expect(operations.map(({ op }) => op)).toEqual(['put-template', 'put-instance'])
  })

  it('refuses changes of its own', async () => {
    await expect(new ReplicaStore().commit()).rejects.toThrow('cannot be changed')
  })
})

describe('a link', () => {
  type Methods = { readonly half: (n: number) => number }

  function linked(half: (n: number) => number) {
    const [a, b] = ports()
    const asker = new Link<Methods, Record<never, never>>(a, {})
    const answerer = new Link<Record<never, never>, Methods>(b, { half })
    return { asker, answerer, close: a.close }
  }

  it('answers questions, and fails with the code of the error', async () => {
    const { asker } = linked((n) => {
      if (n % 2 === 0) return n / 2
      throw Object.assign(new Error('odd'), { code: 'ODD' })
    })
    expect(await asker.ask('half', 4)).toBe(2)
    await expect(asker.ask('half', 3)).rejects.toMatchObject({ message: 'odd', code: 'ODD' })
  })

  it('fails what is asked of a process that is gone', async () => {
    const { asker, close } = linked((n) => n)
    const pending = asker.ask('half', 4)
    close()
    await expect(pending).rejects.toMatchObject({ code: 'LINK_CLOSED' })
    await expect(asker.ask('half', 4)).rejects.toMatchObject({ code: 'LINK_CLOSED' })
  })

  /** Two ends that pass clones on, as processes do. */
  function ports(): [MessagePort & { close(): void }, MessagePort] {
    const listeners: ((message: unknown) => void)[][] = [[], []]
    const closers: (() => void)[] = []
    const end = (own: number): MessagePort => ({
      send: (message) => {
        const clone = structuredClone(message)
        setImmediate(() => listeners[1 - own]?.forEach((listener) => void listener(clone)))
      },
      onMessage: (listener) => void listeners[own]?.push(listener),
      onClose: (listener) => void closers.push(listener),
    })
    return [{ ...end(0), close: () => closers.forEach((closer) => void closer()) }, end(1)]
  }
})

describe('a pipe', () => {
  it('carries request and answer, says who calls, and believes no caller about that', async () => {
    let seen: IncomingMessage | undefined
    const { url } = await piped(async (request, response) => {
      seen = request
      response.setHeader('x-answer', 'yes')
      response.writeHead(201).end(`got ${await textOf(request)}`)
    })
    const response = await fetch(`${url}/path?q=1`, {
      method: 'POST',
      body: 'hello',
      headers: { 'x-mcpp-peer': '6.6.6.6', 'x-own': 'kept' },
    })
    expect([response.status, response.headers.get('x-answer'), await response.text()]).toEqual([
      201,
      'yes',
      'got hello',
    ])
    expect(seen?.url).toBe('/path?q=1')
    expect(seen?.headers).toMatchObject({ 'x-mcpp-peer': '127.0.0.1', 'x-own': 'kept', 'x-request-id': 'r1' })
  })

  it('shows the head of a stream before its first event', async () => {
    const end = Promise.withResolvers<void>()
    const { url } = await piped(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      await end.promise
      response.end('data: x\n\n')
    })
    const response = await fetch(url)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    end.resolve()
    expect(await response.text()).toBe('data: x\n\n')
  })

  it('hangs up when the caller does', async () => {
    const gone = Promise.withResolvers<void>()
    const { url, pipes } = await piped((_request, response) => {
      response.writeHead(200).flushHeaders()
      response.once('close', () => gone.resolve())
    })
    const outgoing = get(url)
    outgoing.on('error', () => undefined)
    await once(outgoing, 'response')
    outgoing.destroy()
    await gone.promise
    await pipes.untilIdle(5_000, new AbortController().signal)
  })

  it('tells nobody-there from went-away', async () => {
    const { path } = await tempDir()
    const results: unknown[] = []
    const { url, pipes } = await piped(
      (request) => void request.socket.destroy(),
      (result) => results.push(result),
    )
    await fetch(url)
    expect(results[0]).toBeInstanceOf(PipeBrokenError)
    const nobody = createServer((request, response) => {
      void pipes.send(join(path, 'nobody.sock'), { request, response, requestId: 'r' }).then((found) => {
        response.end(String(found))
      })
    })
    expect(await (await fetch(await listening(nobody))).text()).toBe('false')
  })

  it('cuts an answer that breaks in the middle', async () => {
    const { url } = await piped((request, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => request.socket.destroy())
    })
    const response = await fetch(url)
    await expect(response.text()).rejects.toThrow()
  })

  it('waits for what is under way, no longer than it is given', async () => {
    const { url, pipes } = await piped(() => undefined)
    const address = new URL(url)
    const socket = connect(Number(address.port), address.hostname)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await waitFor(async () => {
      let idle = false
      const waited = pipes.untilIdle(50, new AbortController().signal).then(() => {
        idle = true
      })
      await new Promise((resolve) => setImmediate(resolve))
      const busy = !idle
      await waited
      return busy
    })
    socket.destroy()
  })

  /** A public server whose requests another one answers, behind a local socket. */
  async function piped(handle: RequestListener, onEnd: (result: unknown) => void = () => undefined) {
    const { path } = await tempDir()
    const socket = join(path, 'local.sock')
    const local = await serveLocally(socket, handle)
    const pipes = new Pipes()
    const front = createServer((request, response) => {
      pipes.send(socket, { request, response, requestId: 'r1' }).then(onEnd, (error: unknown) => {
        onEnd(error)
        response.writeHead(502).end()
      })
    })
    const url = await listening(front)
    stops.push(() => {
      front.closeAllConnections()
      pipes.close()
      local.cut()
    })
    return { url, pipes }
  }

  async function listening(server: ReturnType<typeof createServer>): Promise<string> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stops.push(() => void server.close())
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  async function textOf(request: IncomingMessage): Promise<string> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    return text
  }
})

describe('the circuits of workers', () => {
  const fit = { id: 'one', status: 'healthy', healthy: true, available: true, score: 90 } as TargetView

  function step(to: 'open' | 'closed'): { template: string; event: HealthEvent & { type: 'circuit' } } {
    const circuit = { group: 't', id: 'one', state: to, opens: 1, since: new Date(0) }
    return {
      template: 't',
      event: { type: 'circuit', group: 't', id: 'one', from: 'closed', to, cause: 'reset', circuit },
    }
  }

  it('make an instance degraded when some workers avoid it, ejected when all do', () => {
    const board = new CircuitBoard(() => 2)
    expect(board.overlay('t', fit)).toBe(fit)
    board.set('w1', step('open'))
    expect(board.overlay('t', fit)).toMatchObject({ status: 'degraded', healthy: true, circuit: { state: 'open' } })
    board.set('w2', step('open'))
    expect(board.overlay('t', fit)).toMatchObject({ status: 'ejected', healthy: false, available: false, score: 0 })
    expect(board.worst()).toMatchObject([{ id: 'one', state: 'open' }])
    board.set('w1', step('closed'))
    board.forget('w2')
    expect(board.overlay('t', fit)).toBe(fit)
    expect(board.worst()).toEqual([])
  })
})

describe('the counts of workers', () => {
  const calls = (requests: number, inFlight: number) => ({ requests, errors: 0, inFlight, latency: [requests] })
  const counts = (requests: number, instances: Record<string, number>): GatewayCounts => ({
    total: calls(requests, 1),
    templates: {
      t: {
        ...calls(requests, 0),
        instances: Object.fromEntries(Object.entries(instances).map(([id, n]) => [id, calls(n, 1)])),
      },
    },
  })

  it('keep instances that are left out, and what a dead worker counted', () => {
    const book = new CountsBook()
    book.update('w1', counts(3, { one: 2, two: 1 }))
    book.update('w1', counts(4, { one: 3 }))
    book.update('w2', counts(5, { one: 5 }))
    book.depart('w1')
    const [gone, living] = book.all()
    expect(gone?.templates['t']?.instances).toMatchObject({
      one: { requests: 3, inFlight: 0 },
      two: { requests: 1, inFlight: 0 },
    })
    expect(gone?.total).toMatchObject({ requests: 4, inFlight: 0 })
    expect(living?.total).toMatchObject({ requests: 5, inFlight: 1 })
  })
})

describe('the health of a template in a worker', () => {
  it('takes the word of the primary at once', async () => {
    const { health, refresh, answer, asked } = await following()
    expect(health.isAvailable('one')).toBe(true)
    answer({ state: 'unfit', reason: 'it is down', passed: false })
    refresh('one')
    await waitFor(() => !health.isAvailable('one'))
    expect(health.view('one')).toMatchObject({ status: 'unhealthy', lastError: 'it is down' })
    answer({ state: 'held', reason: 'unauthenticated', passed: false })
    refresh('one')
    await waitFor(() => health.view('one')?.status === 'unauthenticated')
    answer(FIT)
    refresh('one')
    await waitFor(() => health.isAvailable('one'))
    expect(asked.every(({ urgent }) => !urgent)).toBe(true)
  })

  it('has its circuit judge calls, and believes a suspicion when a probe fails, without being unfit for it', async () => {
    const { health, answer, asked } = await following()
    answer({ state: 'fit', reason: undefined, passed: false })
    for (let n = 0; n < 5; n++) health.suspect('one', 'timeout')
    await waitFor(() => health.view('one')?.circuit.state === 'open')
    expect(asked.at(-1)?.urgent).toBe(true)
    expect(health.view('one')?.probe.state).toBe('fit')
    expect(health.isAvailable('two')).toBe(true)
  })

  it('asks for a probe of this very moment when it must know', async () => {
    const { health, asked } = await following()
    expect(await health.probeNow('one')).toEqual({ verdict: 'fit' })
    expect(asked.at(-1)).toEqual({ template: 't', id: 'one', urgent: true })
  })

  const FIT: Verdict = { state: 'fit', reason: undefined, passed: true }

  async function following() {
    const registry = new Registry({ store: new MemoryRegistryStore() })
    await registry.load()
    for (const id of ['one', 'two']) {
      const instance = { id, endpoint: 'http://127.0.0.1:9/mcp' }
      await registry.register({ template_name: 't', instance }, { by: { actor: 'test' } })
    }
    const asked: (InstanceName & { urgent: boolean })[] = []
    let verdict = FIT
    const options: WatchOptions = {
      template: registry.requireTemplate('t'),
      settings: { healthCheckIntervalMs: 60_000, healthCheckTimeoutMs: 1_000 } as WatchOptions['settings'],
      endpointOf: () => undefined,
      registry,
      circuits: [],
      random: Math.random,
      onEvent: () => undefined,
    }
    const worker = new FollowingHealth(options, async (question) => {
      asked.push(question)
      return verdict
    })
    const health = worker.route
    stops.push(() => health.close())
    await health.start()
    return { health, refresh: (id: string) => worker.refresh(id), asked, answer: (next: Verdict) => (verdict = next) }
  }
})
