import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server'

/** Events kept per session. */
const CAPACITY = 256

/** Remembers the last events of a session, so that a client can resume a stream by Last-Event-ID. */
export class EventLog implements EventStore {
  readonly #events: { readonly id: string; readonly stream: string; readonly message: JSONRPCMessage }[] = []
  #count = 0

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    this.#count += 1
    const id = `${this.#count}`
    this.#events.push({ id, stream, message })
    if (this.#events.length > CAPACITY) this.#events.shift()
    return id
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events.find((event) => event.id === id)?.stream
  }

  async replayEventsAfter(
    id: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const stream = (await this.getStreamIdForEventId(id)) ?? ''
    const missed = this.#events.filter((event) => event.stream === stream && Number(event.id) > Number(id))
    // A priming event carries no message: there is nothing in it to send again.
    for (const event of missed) if (Object.keys(event.message).length > 0) await send(event.id, event.message)
    return stream
  }
}
