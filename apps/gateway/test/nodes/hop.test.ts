import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { DerivedKeys } from '@mcp-platform/auth'
import type { HopExchange } from '@mcp-platform/gateway-core'
import { heirsOf } from '../../src/nodes/heirs.js'
import type { HopEvent } from '../../src/nodes/hop-event.js'
import { HOP_HEADER, HOP_WINDOW_MS, type HopFacts, HopSeal } from '../../src/nodes/hop-seal.js'
import { NodeHops } from '../../src/nodes/node-hops.js'
import { nodeUrlOf } from '../../src/nodes/node-url.js'
import { PeerPipes } from '../../src/nodes/peer-pipes.js'
import { NO_PEERS } from '../../src/nodes/peers.js'
import { RecentNonces } from '../../src/nodes/recent-nonces.js'
import { SessionRoutes, type SessionWays } from '../../src/nodes/session-routes.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const keyOf = (id: string): { id: string; key: Buffer } => ({ id, key: Buffer.alloc(32, id) })
const keys = (...ids: string[]): DerivedKeys => {
  const all = ids.map(keyOf)
  return { current: all[0] ?? keyOf('k'), all }
}
const FACTS: HopFacts = { to: 'a/main', from: 'b', adopts: false, isAdoptable: true, key: 's', peer: '10.1.2.3' }
const BODY = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}')
const HEADERS = { authorization: 'Bearer mine', 'mcp-session-id': 'v1.s', 'content-type': 'application/json' }
const HEAD = { method: 'POST', url: '/mcp/t', headers: HEADERS }

/** Node `a` with one process, whose gateway answers who it thinks is calling. */
async function nodeA(options: { keys?: DerivedKeys; node?: string } = {}) {
  const served: { adopts: boolean; body: string }[] = []
  const events: HopEvent[] = []
  const hops = new NodeHops({
    own: { node: options.node ?? 'a', process: 'main' },
    keys: options.keys ?? keys('k'),
    peers: NO_PEERS,
    onEvent: (event) => events.push(event),
  })
  const answer = async (incoming: IncomingMessage, response: ServerResponse, adopts: boolean): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray())
    try {
      hops.checkForwarded(incoming, body)
    } catch {
      return void response.writeHead(400).end()
    }
    served.push({ adopts, body: body.toString() })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  const handleForwarded = (incoming: IncomingMessage, response: ServerResponse, _id: string, how = {}): void =>
    void answer(incoming, response, 'adopts' in how && how.adopts === true)
  const door = hops.door({ handleForwarded }, () => undefined)
  const server = createServer(door.handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    hops.close()
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, served, events }
}

/** Sends as anybody could who reaches the port. */
async function send(
  url: string,
  hop: string,
  change: { path?: string; headers?: Record<string, string>; body?: Buffer; host?: string } = {},
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const { path = HEAD.url, body = BODY, host = 'evil.example' } = change
  const headers = { ...HEADERS, ...change.headers, host, [HOP_HEADER]: hop }
  const outgoing = request(url + path, { method: 'POST', headers, agent: false }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode ?? 0))
  })
  outgoing.on('error', reject).end(body)
  return promise
}

describe('the door for other nodes', () => {
  it('takes what a node with the same key has signed, whatever Host it names, once', async () => {
    const { url, served, events } = await nodeA()
    const hop = new HopSeal(keys('k')).sign(HEAD, FACTS, BODY)
    expect(await send(url, hop)).toBe(200)
    expect(await send(url, hop)).toBe(403)
    expect(served).toEqual([{ adopts: false, body: BODY.toString() }])
    expect(events.map((event) => event.type === 'hop-refused' && event.error.why)).toEqual(['replayed'])
  })

  it('takes the key before the last, as while the master key changes', async () => {
    const { url } = await nodeA({ keys: keys('new', 'old') })
    expect(await send(url, new HopSeal(keys('old')).sign(HEAD, FACTS, BODY))).toBe(200)
  })

  it('refuses what was changed on the way: path, credential, session, body', async () => {
    const { url, served } = await nodeA()
    const seal = new HopSeal(keys('k'))
    const sign = (): string => seal.sign(HEAD, FACTS, BODY)
    expect(await send(url, sign(), { path: '/mcp/other' })).toBe(403)
    expect(await send(url, sign(), { headers: { authorization: 'Bearer theirs' } })).toBe(403)
    expect(await send(url, sign(), { headers: { 'mcp-session-id': 'v1.t' } })).toBe(403)
    expect(await send(url, sign(), { headers: { 'x-forwarded-for': '127.0.0.1' } })).toBe(403)
    expect(await send(url, sign(), { body: Buffer.from(BODY.toString().replace('ping', 'pong')) })).toBe(400)
    expect(served).toEqual([])
  })

  it('refuses what no node has signed', async () => {
    const { url, served } = await nodeA()
    const good = new HopSeal(keys('k')).sign(HEAD, FACTS, BODY)
    const [version, kid, payload = '', mac = ''] = good.split('.')
    const sealed = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const adopting = Buffer.from(JSON.stringify({ ...sealed, adopts: true })).toString('base64url')
    const forged = [
      '',
      'x',
      '....',
      good.slice(0, -2),
      `${good}.x`,
      [version, 'z', payload, mac].join('.'),
      [version, kid, adopting, mac].join('.'),
      [version, kid, payload, randomBytes(32).toString('base64url')].join('.'),
      new HopSeal({ current: { id: 'k', key: randomBytes(32) }, all: [] }).sign(HEAD, FACTS, BODY),
      'a'.repeat(8_000),
    ]
    for (const hop of forged) expect(await send(url, hop)).toBe(403)
    expect(served).toEqual([])
  })

  it('refuses what is older or newer than the window', async () => {
    const { url } = await nodeA()
    for (const skew of [-HOP_WINDOW_MS - 5_000, HOP_WINDOW_MS + 5_000]) {
      const seal = new HopSeal(keys('k'), () => Date.now() + skew)
      expect(await send(url, seal.sign(HEAD, FACTS, BODY))).toBe(403)
    }
    const slow = new HopSeal(keys('k'), () => Date.now() - HOP_WINDOW_MS + 5_000)
    expect(await send(url, slow.sign(HEAD, FACTS, BODY))).toBe(200)
  })

  it('takes nothing for another node', async () => {
    const { url, served } = await nodeA()
    const hop = new HopSeal(keys('k')).sign(HEAD, { ...FACTS, to: 'c/main' }, BODY)
    expect(await send(url, hop)).toBe(421)
    expect(served).toEqual([])
  })
})

describe('the way to another node', () => {
  async function forward(url: string, now = Date.now, sealKeys = keys('k'), isSafe = false) {
    const events: HopEvent[] = []
    const seal = new HopSeal(sealKeys, now)
    const pipes = new PeerPipes({ node: 'b', seal, onEvent: (event) => events.push(event) })
    const outcomes: unknown[] = []
    const server = createServer(async (incoming, response) => {
      const body = Buffer.concat(await incoming.toArray())
      const exchange: HopExchange = {
        request: incoming,
        response,
        requestId: 'r',
        body,
        key: 's',
        isAdoptable: true,
        isSafe,
      }
      try {
        const sent = await pipes.send({ id: 'a', url }, exchange, { home: 'a/main', adopts: false })
        outcomes.push(sent)
        if (!sent) response.writeHead(299).end()
      } catch (error) {
        outcomes.push(error)
        response.writeHead(599).end()
      }
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      pipes.close()
      server.closeAllConnections()
      server.close()
    })
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, outcomes, events, pipes }
  }

  it('carries request and answer', async () => {
    const a = await nodeA()
    const b = await forward(a.url)
    expect(await send(b.url, 'x')).toBe(200)
    expect(a.served).toEqual([{ adopts: false, body: BODY.toString() }])
    expect(b.outcomes).toEqual([true])
  })

  it('says that nobody is there when the connection is refused, and when another node has the address by now', async () => {
    const b = await forward('http://127.0.0.1:9')
    expect(await send(b.url, 'x')).toBe(299)
    // It is not tried again at once.
    expect(await send(b.url, 'x')).toBe(299)
    expect(b.events).toHaveLength(1)
    const other = await nodeA({ node: 'c' })
    expect(await send((await forward(other.url)).url, 'x')).toBe(299)
    expect(other.served).toEqual([])
  })

  it('says that it was refused, and that nothing was executed, when clocks or keys differ', async () => {
    const a = await nodeA()
    for (const b of [await forward(a.url, () => 0), await forward(a.url, Date.now, keys('z'))]) {
      expect(await send(b.url, 'x')).toBe(599)
      expect(b.outcomes).toMatchObject([{ code: 'OVERLOADED', facts: { executed: 'no', retryable: true } }])
      expect(b.events).toMatchObject([{ type: 'peer-refuses' }])
    }
    expect(a.served).toEqual([])
  })

  it('says that the outcome is unknown when the node goes away with a message', async () => {
    const dying = createServer((incoming) => incoming.socket.destroy()).listen(0, '127.0.0.1')
    await once(dying, 'listening')
    closers.push(() => void dying.close())
    const b = await forward(`http://127.0.0.1:${(dying.address() as AddressInfo).port}`)
    expect(await send(b.url, 'x')).toBe(599)
    expect(b.outcomes).toMatchObject([{ code: 'OUTCOME_UNKNOWN', facts: { executed: 'unknown', retryable: false } }])
  })

  it('sends what changes nothing again when its connection breaks, four times in all', async () => {
    let broken = 3
    const left: number[] = []
    const frail = createServer((incoming, response) => {
      left.push(broken)
      broken -= 1
      if (broken >= 0) incoming.socket.destroy()
      else response.writeHead(200).end()
    }).listen(0, '127.0.0.1')
    await once(frail, 'listening')
    closers.push(() => {
      frail.closeAllConnections()
      frail.close()
    })
    const b = await forward(`http://127.0.0.1:${(frail.address() as AddressInfo).port}`, Date.now, keys('k'), true)
    expect(await send(b.url, 'x')).toBe(200)
    broken = 5
    expect(await send(b.url, 'x')).toBe(599)
    expect(left).toEqual([3, 2, 1, 0, 5, 4, 3, 2])
    expect(b.outcomes).toMatchObject([true, { code: 'OUTCOME_UNKNOWN' }])
  })

  it('finds that nobody is there while a killed node is still taken apart', async () => {
    const dying = createServer((incoming) => {
      dying.close()
      incoming.socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(dying, 'listening')
    closers.push(() => void dying.close())
    const b = await forward(`http://127.0.0.1:${(dying.address() as AddressInfo).port}`, Date.now, keys('k'), true)
    expect(await send(b.url, 'x')).toBe(299)
    expect(b.events).toMatchObject([{ type: 'peer-unreachable' }])
  })

  it('gives up what waits for a node that is found to be gone', async () => {
    const arrived = Promise.withResolvers<void>()
    const silent = createServer(() => arrived.resolve()).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    closers.push(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const b = await forward(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    const answer = send(b.url, 'x')
    await arrived.promise
    b.pipes.keep(new Set(['c']))
    expect(await answer).toBe(599)
    expect(b.outcomes).toMatchObject([{ code: 'OUTCOME_UNKNOWN' }])
  })
})

describe('the process that answers', () => {
  const exchange = (isAdoptable = true): HopExchange => ({ isAdoptable, key: 's' }) as HopExchange

  function routes(
    options: { alive?: string[]; processes?: string[]; reach?: (to: string) => boolean; process?: string } = {},
  ) {
    const sent: string[] = []
    const { alive = ['b', 'c'], processes = ['main'], reach = () => true } = options
    const note = (to: string): Promise<boolean> => {
      sent.push(to)
      return Promise.resolve(reach(to))
    }
    const ways: SessionWays = {
      toProcess: (process, _exchange, { adopts }) => note(`${process}${adopts ? ' as heir' : ''}`),
      toPeer: (_peer, _exchange, { home, adopts }) => note(`${home}${adopts ? ' as heir' : ''}`),
    }
    const others = alive.map((id) => ({ id, url: `http://${id}` }))
    const peers = { all: () => others, find: async (id: string) => others.find((peer) => peer.id === id) }
    const own = { node: 'a', process: options.process ?? 'main' }
    return { sent, routes: new SessionRoutes({ ...ways, own, peers, processes: () => new Set(processes) }) }
  }

  it('is the home, in one hop', async () => {
    const there = routes()
    expect(await there.routes.hop('b/w1', exchange())).toBe(true)
    expect(there.sent).toEqual(['b/w1'])
    const inside = routes({ processes: ['w1', 'w2'], process: 'w1' })
    expect(await inside.routes.hop('a/w2', exchange())).toBe(true)
    expect(inside.sent).toEqual(['w2'])
  })

  it('is one and the same heir for all when the home is gone, and nobody where nothing can be gone on with', async () => {
    const [heir] = heirsOf('s', ['a', 'b', 'c'])
    const from = routes()
    expect(await from.routes.hop('gone/main', exchange())).toBe(heir !== 'a')
    expect(from.sent).toEqual(heir === 'a' ? [] : [`${heir}/ as heir`])
    const none = routes()
    expect(await none.routes.hop('gone/main', exchange(false))).toBe(false)
    expect(none.sent).toEqual([])
  })

  it('is the next heir when the first cannot be reached, in the end this one', async () => {
    const from = routes({ reach: () => false })
    expect(await from.routes.hop('b/main', exchange())).toBe(false)
    const order = heirsOf('s', ['a', 'c'])
    expect(from.sent).toEqual(['b/main', ...order.slice(0, order.indexOf('a')).map((id) => `${id}/ as heir`)])
  })

  it('is found inside the node for what another node sent, and never at a third', async () => {
    const arriving = routes({ processes: ['w1', 'w2'], process: 'w1' })
    expect(await arriving.routes.arrive({ to: 'a/w1', adopts: false }, exchange())).toEqual({
      served: false,
      adopts: false,
    })
    expect(await arriving.routes.arrive({ to: 'a/w2', adopts: false }, exchange())).toMatchObject({ served: true })
    expect(arriving.sent).toEqual(['w2'])
    const heir = heirsOf('s', ['w1', 'w2'])[0]
    for (const to of ['a/dead', 'a/']) {
      const facts = { to, adopts: to === 'a/' }
      const arrived = routes({ processes: ['w1', 'w2'], process: 'w1' })
      expect(await arrived.routes.arrive(facts, exchange())).toEqual({ served: heir !== 'w1', adopts: true })
      expect(arrived.sent).toEqual(heir === 'w1' ? [] : [`${heir} as heir`])
    }
  })
})

describe('what is remembered of nonces', () => {
  it('lasts for as long as they could be shown again, and no longer than twice that', () => {
    let now = 0
    const nonces = new RecentNonces(100, () => now)
    expect([nonces.add('x'), nonces.add('x')]).toEqual([true, false])
    now = 100
    expect([nonces.add('x'), nonces.add('y')]).toEqual([false, true])
    now = 199
    expect(nonces.add('y')).toBe(false)
    now = 300
    expect(nonces.add('x')).toBe(true)
    now = 1_000
    expect([nonces.add('y'), nonces.add('y')]).toEqual([true, false])
  })
})

describe('the address that other nodes are told', () => {
  const interfaces = {
    lo: [{ address: '127.0.0.1', internal: true, family: 'IPv4' }],
    eth0: [
      { address: 'fe80::1', internal: false, family: 'IPv6' },
      { address: '10.0.0.7', internal: false, family: 'IPv4' },
    ],
  } as unknown as Parameters<typeof nodeUrlOf>[2]

  it('is what the operator says, else what is listened on, else one of this machine', () => {
    const listening = 'http://127.0.0.1:8080'
    expect(nodeUrlOf({ nodeUrl: 'https://a.internal', host: '0.0.0.0' }, listening, interfaces)).toBe(
      'https://a.internal',
    )
    expect(nodeUrlOf({ nodeUrl: undefined, host: '10.0.0.7' }, 'http://10.0.0.7:8080', {})).toBe('http://10.0.0.7:8080')
    expect(nodeUrlOf({ nodeUrl: undefined, host: '0.0.0.0' }, listening, interfaces)).toBe('http://10.0.0.7:8080')
    expect(nodeUrlOf({ nodeUrl: undefined, host: '0.0.0.0' }, listening, {})).toBe(listening)
  })
})
