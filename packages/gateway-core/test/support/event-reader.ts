/** A reader of one event stream: of a subscription, or of a session's GET stream. */
export class EventReader {
  readonly response: Response
  readonly messages: Record<string, unknown>[] = []
  /** Resolves when the stream is over, however it came to its end. */
  readonly ended: Promise<void>
  readonly #waiting = new Set<() => void>()

  constructor(response: Response) {
    this.response = response
    this.ended = this.#read().catch(() => undefined)
  }

  /** The messages with this method so far. */
  of(method: string): Record<string, unknown>[] {
    return this.messages.filter((message) => message['method'] === method)
  }

  /** Resolves when this many messages with the method have come. */
  until(method: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.of(method).length < count) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of this.response.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: {')) this.messages.push(JSON.parse(line.slice(6)))
      for (const look of [...this.#waiting]) look()
    }
  }
}

const ENVELOPE = 'io.modelcontextprotocol'

/** Opens a subscription as a 2026 client; closed by the signal. */
export async function subscribe(
  url: string,
  notifications: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<EventReader> {
  const _meta = {
    [`${ENVELOPE}/protocolVersion`]: '2026-07-28',
    [`${ENVELOPE}/clientCapabilities`]: {},
    [`${ENVELOPE}/clientInfo`]: { name: 'raw', version: '1' },
  }
  const body = { jsonrpc: '2.0', id: 'sub', method: 'subscriptions/listen', params: { notifications, _meta } }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'subscriptions/listen',
  }
  return new EventReader(await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal }))
}

/** Opens the GET stream of a 2025 client's session; closed by the signal. */
export async function openStream(url: string, sessionId: string, signal: AbortSignal): Promise<EventReader> {
  const headers = { accept: 'text/event-stream', 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }
  return new EventReader(await fetch(url, { headers, signal }))
}
