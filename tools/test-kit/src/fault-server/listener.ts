import type { Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'

/** What happens to a new connection, before any HTTP. */
export type ConnectionMode =
  | 'accept'
  /** Nothing listens on the port. */
  | 'refuse'
  /** RST at once. */
  | 'reset'
  /** Accepted, never read, never answered. */
  | 'silent'

/** Owns the port and the sockets below an HTTP server that never listens itself. */
export class Listener {
  port = 0
  accepted = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #http: HttpServer
  #mode: ConnectionMode = 'accept'

  constructor(http: HttpServer) {
    this.#http = http
    this.#server = createServer((socket) => this.#take(socket))
  }

  /** Sockets open now. */
  get open(): number {
    return this.#sockets.size
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', resolve)
    })
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.port = address.port
  }

  /** Changes what new connections meet; `refuse` also resets those that are open. */
  async setMode(mode: ConnectionMode): Promise<void> {
    const wasRefusing = this.#mode === 'refuse'
    this.#mode = mode
    if (mode === 'refuse' && !wasRefusing) await this.close()
    if (mode !== 'refuse' && wasRefusing) await this.listen(this.port)
  }

  /** Resets every open connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Stops listening and resets what is open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cut()
    await closed
  }

  #take(socket: Socket): void {
    this.accepted += 1
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#mode === 'reset') {
      socket.resetAndDestroy()
      return
    }
    if (this.#mode === 'silent') {
      socket.on('error', () => socket.destroy()).pause()
      return
    }
    this.#http.emit('connection', socket)
  }
}
