import { randomUUID } from 'node:crypto'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Notebook } from './notebook.js'
import { createNotesServer } from './server.js'

/** Sessions kept at once; the one unused for longest is closed when another opens. Clients often go without a DELETE. */
export const MAX_SESSIONS = 1_000

/** One transport and one server per client session, all over the same notebook. */
export class Sessions {
  readonly #notebook: Notebook
  /** In the order of last use. */
  readonly #byId = new Map<string, StreamableHTTPServerTransport>()

  constructor(notebook: Notebook) {
    this.#notebook = notebook
  }

  get size(): number {
    return this.#byId.size
  }

  /** The transport of a living session, which thereby counts as used. */
  use(id: string): StreamableHTTPServerTransport | undefined {
    const transport = this.#byId.get(id)
    if (transport === undefined) return undefined
    this.#byId.delete(id)
    this.#byId.set(id, transport)
    return transport
  }

  /** A transport for an `initialize`; it becomes a session when that succeeds. */
  async open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => this.#keep(id, transport),
      onsessionclosed: (id) => void this.#byId.delete(id),
    })
    await createNotesServer(this.#notebook).connect(transport)
    return transport
  }

  async closeAll(): Promise<void> {
    const all = [...this.#byId.values()]
    this.#byId.clear()
    await Promise.all(all.map((transport) => transport.close()))
  }

  async #keep(id: string, transport: StreamableHTTPServerTransport): Promise<void> {
    this.#byId.set(id, transport)
    const [oldest] = this.#byId
    if (this.#byId.size <= MAX_SESSIONS || oldest === undefined) return
    this.#byId.delete(oldest[0])
    await oldest[1].close()
  }
}
