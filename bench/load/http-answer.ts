/** One HTTP/1.1 answer, its body with chunk framing removed. */
export interface HttpAnswer {
  readonly status: number
  /** Lower-cased names; duplicates joined by `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/**
 * Reads answers off a keep-alive connection, one after the other (no pipelining).
 * It is the load generator's own, so that what is measured is the server and not a client library.
 */
export class HttpAnswerReader {
  #pending: Buffer = Buffer.alloc(0)

  /** Takes bytes; returns an answer as soon as one is complete. */
  push(bytes: Buffer): HttpAnswer | undefined {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    const headEnd = this.#pending.indexOf(HEAD_END)
    if (headEnd < 0) return undefined
    const { status, headers } = parseHead(this.#pending.toString('latin1', 0, headEnd))
    const read = readBody(this.#pending, headEnd + 4, headers, status)
    if (read === undefined) return undefined
    this.#pending = this.#pending.subarray(read.end)
    return { status, headers, body: read.body }
  }
}

function parseHead(head: string): { status: number; headers: Map<string, string> } {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(statusLine.slice(9, 12)), headers }
}

function readBody(
  bytes: Buffer,
  start: number,
  headers: ReadonlyMap<string, string>,
  status: number,
): { body: Buffer; end: number } | undefined {
  if (status === 204 || status === 304) return { body: Buffer.alloc(0), end: start }
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(bytes, start)
  const end = start + Number(headers.get('content-length') ?? 0)
  return bytes.length < end ? undefined : { body: bytes.subarray(start, end), end }
}

function readChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const chunks: Buffer[] = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const from = lineEnd + 2
    if (bytes.length < from + size + 2) return undefined
    if (size === 0) return { body: chunks.length === 1 ? (chunks[0] ?? bytes) : Buffer.concat(chunks), end: from + 2 }
    chunks.push(bytes.subarray(from, from + size))
    at = from + size + 2
  }
}
