import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Stoppable, stoppable } from './lifecycle.js'

/** What the proxy does with bytes and with new connections, from now on. */
export type TcpProxyMode =
  /** Forwards both ways. */
  | { readonly kind: 'pass' }
  /** Accepts, and loses every byte both ways: neither side hears anything, nothing is closed. */
  | { readonly kind: 'black-hole' }
  /** Resets each new connection at once; those that are open are reset too. */
  | { readonly kind: 'reset' }
  /** Stops listening: connecting is refused; those that are open are reset. */
  | { readonly kind: 'refuse' }
  /** Forwards in slices of `bytes` with `delayMs` between them: tears messages apart. */
  | { readonly kind: 'slice'; readonly bytes: number; readonly delayMs: number }

/** A TCP proxy under the control of a test. */
export interface TcpProxy extends Stoppable {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Connections accepted since the start. */
  readonly accepted: number
  /** Connections open now. */
  readonly open: number
  setMode(mode: TcpProxyMode): Promise<void>
  /** Resets all open connections once; the mode stays. */
  cut(): void
}

/** Where a {@link TcpProxy} leads. */
export interface TcpTarget {
  readonly host?: string | undefined
  readonly port: number
}

/** Starts a proxy before `target` on a free port, in mode `pass`. */
export async function startTcpProxy(target: TcpTarget): Promise<TcpProxy> {
  const proxy = new Proxying(target)
  await proxy.listen()
  return {
    host: '127.0.0.1',
    port: proxy.port,
    get accepted() {
      return proxy.accepted
    },
    get open() {
      return proxy.clients.size
    },
    setMode: (mode) => proxy.setMode(mode),
    cut: () => proxy.cut(),
    ...stoppable(() => proxy.stop()),
  }
}

class Proxying {
  accepted = 0
  port = 0
  readonly clients = new Set<Socket>()
  readonly #target: TcpTarget
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #mode: TcpProxyMode = { kind: 'pass' }

  constructor(target: TcpTarget) {
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.port, '127.0.0.1', resolve)
    })
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.port = address.port
  }

  async setMode(mode: TcpProxyMode): Promise<void> {
    const wasRefusing = this.#mode.kind === 'refuse'
    this.#mode = mode
    if (mode.kind === 'reset' || mode.kind === 'refuse') this.cut()
    if (mode.kind === 'refuse' && !wasRefusing) await this.#unlisten()
    if (mode.kind !== 'refuse' && wasRefusing) await this.listen()
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await this.#unlisten()
  }

  async #unlisten(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #accept(client: Socket): void {
    this.accepted += 1
    this.#track(client)
    this.clients.add(client)
    client.once('close', () => this.clients.delete(client))
    if (this.#mode.kind === 'reset') {
      client.resetAndDestroy()
      return
    }
    const upstream = createConnection({
      host: this.#target.host ?? '127.0.0.1',
      port: this.#target.port,
      allowHalfOpen: true,
    })
    this.#track(upstream)
    this.#forward(client, upstream)
    this.#forward(upstream, client)
  }

  #track(socket: Socket): void {
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #forward(from: Socket, to: Socket): void {
    let queue: Promise<void> = Promise.resolve()
    from.on('data', (chunk: Buffer) => {
      from.pause()
      queue = queue.then(() => this.#write(chunk, to)).finally(() => from.resume())
    })
    from.on('end', () => {
      queue = queue.then(() => {
        if (this.#mode.kind !== 'black-hole') to.end()
      })
    })
    // An error of one side is a reset for the other, as it would be without a proxy between them.
    from.on('error', () => to.resetAndDestroy())
  }

  async #write(chunk: Buffer, to: Socket): Promise<void> {
    const mode = this.#mode
    if (mode.kind === 'black-hole' || to.destroyed) return
    if (mode.kind !== 'slice') {
      await written(to, chunk)
      return
    }
    for (let at = 0; at < chunk.length && !to.destroyed; at += mode.bytes) {
      await written(to, chunk.subarray(at, at + mode.bytes))
      await sleep(mode.delayMs, undefined, { ref: false })
    }
  }
}

function written(to: Socket, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    to.write(chunk, () => resolve())
  })
}
