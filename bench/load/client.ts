import { Connection } from './connection.ts'
import { type Dialect, handshakeTexts, RequestMaker, type Tool } from './dialects.ts'

/** What a load is aimed at. */
export interface LoadTarget {
  readonly url: string
  readonly dialect: Dialect
  readonly tool: Tool
}

/** A connection that is ready to call: a legacy one has its session. */
export interface Client {
  readonly connection: Connection
  readonly requests: RequestMaker
}

/** Opens a connection and, in the legacy dialect, its session. */
export async function openClient({ url: text, dialect, tool }: LoadTarget): Promise<Client> {
  const url = new URL(text)
  const connection = await Connection.open(url)
  const session = dialect === 'legacy' ? await openSession(connection, url) : undefined
  return { connection, requests: new RequestMaker({ dialect, tool, url, session }) }
}

/** One checked call: what is wrong with it, or undefined. */
export async function callOnce({ connection, requests }: Client): Promise<string | undefined> {
  const { status, body } = await connection.exchange(requests.next())
  return requests.fault(status, body)
}

async function openSession(connection: Connection, url: URL): Promise<string> {
  const opened = await connection.exchange(handshakeTexts(url))
  const session = opened.headers.get('mcp-session-id')
  if (session === undefined) throw new Error(`initialize answered ${opened.status} without a session: ${opened.body}`)
  await connection.exchange(handshakeTexts(url, session))
  return session
}
