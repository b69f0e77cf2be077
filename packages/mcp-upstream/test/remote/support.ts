import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { tempDir } from '@mcp-platform/test-kit'
import {
  type Connection,
  type ConnectionLender,
  RemoteConnections,
  SharedConnection,
  type SharedConnectionOptions,
  serveConnections,
} from '../../src/index.js'

/** An owner that lends one connection under the name `one`, and a borrower, over a real socket. */
export interface Loan extends AsyncDisposable {
  readonly shared: SharedConnection
  readonly remote: RemoteConnections
  readonly borrowed: Connection
  readonly lender: ConnectionLender
}

export async function lend(connection: Connection, options: SharedConnectionOptions = {}): Promise<Loan> {
  const shared = new SharedConnection(connection, options)
  const folder = await tempDir()
  const path = join(folder.path, 'lender.sock')
  const server = createServer()
  await listening(server, path)
  const accepted = once(server, 'connection')
  const socket = dial(path)
  const [ownerSide]: Socket[] = await accepted
  if (ownerSide === undefined) throw new Error('no connection')
  const lender = serveConnections(ownerSide, { find: (name) => (name === 'one' ? shared : undefined) })
  const remote = new RemoteConnections(socket)
  return {
    shared,
    remote,
    borrowed: remote.connection('one'),
    lender,
    [Symbol.asyncDispose]: async () => {
      remote.close()
      await lender.closed
      await shared.close()
      server.close()
      await folder.stop()
    },
  }
}

async function listening(server: Server, path: string): Promise<void> {
  server.listen(path)
  await once(server, 'listening')
}
