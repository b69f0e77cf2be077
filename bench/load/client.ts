import { Connection } from './connection.ts'
import { CHILD_HANDSHAKE, type Dialect, farewellText, handshakeTexts, RequestMaker, type Tool } from './dialects.ts'
import type { Lane } from './lane.ts'
import { StdioChild } from './stdio-child.ts'

/** What a load is aimed at. */
export interface LoadTarget {
  readonly url: string
  readonly dialect: Dialect
  readonly tool: Tool
  /** What the target calls the tool, if it puts something before its name. @default the tool's own name */
  readonly toolName?: string | undefined
  /** Dialect `stdio`: the program to start, and its arguments; all clients share it. */
  readonly child?: readonly string[] | undefined
}

/** A connection that is ready to call: a legacy one has its session. */
export interface Client {
  readonly connection: Lane
  readonly requests: RequestMaker
  /** Ends its session, if it has one, and the connection. */
  close(): Promise<void>
}

/** Clients of one target. Close them after use. */
export interface Crew {
  readonly clients: readonly Client[]
  close(): Promise<void>
}

/** Milliseconds that a server has to answer that a session is over; it need not know how. */
const FAREWELL_MS = 2_000

/** Opens as many clients; those that are open already are closed if one cannot be. */
export async function openCrew(target: LoadTarget, connections: number): Promise<Crew> {
  const child = target.child === undefined ? undefined : new StdioChild(target.child)
  const clients: Client[] = []
  const close = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()))
    await child?.close()
  }
  try {
    if (child !== undefined) await greet(child)
    for (let lane = 0; lane < connections; lane += 1) {
      clients.push(child === undefined ? await openClient(target) : clientOf(child, target, lane))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { clients, close }
}

/** Opens a connection and, in the legacy dialect, its session. */
export async function openClient(target: LoadTarget): Promise<Client> {
  const url = new URL(target.url)
  const connection = await Connection.open(url)
  try {
    const session = target.dialect === 'legacy' ? await openSession(connection, url) : undefined
    const close = async (): Promise<void> => {
      if (session !== undefined) await connection.exchange(farewellText(url, session), FAREWELL_MS).catch(ignore)
      connection.close()
    }
    return { connection, requests: new RequestMaker({ ...target, url, session }), close }
  } catch (error) {
    connection.close()
    throw error
  }
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

async function greet(child: StdioChild): Promise<void> {
  const [initialize, initialized] = CHILD_HANDSHAKE
  const lane = child.lane()
  await lane.exchange(initialize)
  lane.send(initialized)
}

function clientOf(child: StdioChild, target: LoadTarget, lane: number): Client {
  const connection = child.lane()
  const requests = new RequestMaker({ ...target, url: new URL(target.url), lane })
  return { connection, requests, close: async () => connection.close() }
}

/** A session that nobody ended expires; what was measured is not changed by it. */
function ignore(): void {}
