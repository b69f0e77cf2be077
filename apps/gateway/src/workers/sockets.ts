import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Paths of Unix sockets are bounded by the system: 108 bytes on Linux, 104 on macOS. */
const MAX_PATH_BYTES = 100
const LONGEST_NAME = 'connections.sock'

/** The folder of the sockets between the processes of one gateway; only its user may enter it. */
export class SocketFolder {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Makes the folder anew in the state folder, or in that for temporary files where the path would be too long. */
  static async open(stateDir: string): Promise<SocketFolder> {
    const wanted = join(stateDir, 'run')
    if (Buffer.byteLength(join(wanted, LONGEST_NAME)) > MAX_PATH_BYTES) {
      return new SocketFolder(await mkdtemp(join(tmpdir(), 'mcpp-')))
    }
    // What a killed gateway left behind; the state folder is locked, so nobody else uses it.
    await rm(wanted, { recursive: true, force: true })
    await mkdir(wanted, { mode: 0o700 })
    await chmod(wanted, 0o700)
    return new SocketFolder(wanted)
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

/** Where the primary serves everything but MCP traffic. */
export function controlSocket(folder: string): string {
  return join(folder, 'control.sock')
}

/** Where the primary lends its child processes. */
export function connectionsSocket(folder: string): string {
  return join(folder, LONGEST_NAME)
}

/** Where a worker serves the sessions that live in it. */
export function homeSocket(folder: string, home: string): string {
  return join(folder, `${home}.sock`)
}
