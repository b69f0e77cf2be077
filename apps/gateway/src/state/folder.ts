import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_STATE_FOLDER, type GatewayStateFile, STATE_FILE_NAME } from '@mcp-platform/contract'
import { GatewayStartError, reasonOf } from '../errors.js'
import { type FolderLock, lockFolder } from './lock.js'
import { makeFolder } from './make-folder.js'

/** The folder for the state of a gateway: `$MCPP_STATE_DIR`, else `~/.mcpp`. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  const given = env['MCPP_STATE_DIR']
  return given === undefined || given === '' ? join(homedir(), DEFAULT_STATE_FOLDER) : given
}

/** The state folder of a gateway that runs: locked, with its admin token. Close it to let the next one start. */
export class StateFolder {
  readonly path: string
  readonly adminTokenFile: string
  readonly adminToken: string
  readonly #lock: FolderLock

  private constructor(path: string, adminToken: string, lock: FolderLock) {
    this.path = path
    this.adminToken = adminToken
    this.adminTokenFile = join(path, 'admin-token')
    this.#lock = lock
  }

  /**
   * Makes the folder (mode 0700), locks it and writes a new local admin token (mode 0600).
   * @throws GatewayStartError `ALREADY_RUNNING` when another gateway has it, `STATE_FOLDER` when it cannot be used
   */
  static async open(path: string): Promise<StateFolder> {
    await makePrivate(path)
    const lock = await lockFolder(path, () => runningUrl(path))
    try {
      const token = randomBytes(32).toString('base64url')
      await writePrivate(join(path, 'admin-token'), `${token}\n`)
      return new StateFolder(path, token, lock)
    } catch (error) {
      await lock.release()
      throw unusable(path, error)
    }
  }

  /** Writes `gateway.json`, by which CLI and clients find this gateway. */
  async announce(running: GatewayStateFile): Promise<void> {
    await writePrivate(join(this.path, STATE_FILE_NAME), `${JSON.stringify(running, null, 2)}\n`)
  }

  /** Removes `gateway.json` and the token, and unlocks the folder. */
  async close(): Promise<void> {
    await rm(join(this.path, STATE_FILE_NAME), { force: true })
    await rm(this.adminTokenFile, { force: true })
    await this.#lock.release()
  }
}

async function makePrivate(path: string): Promise<void> {
  try {
    await makeFolder(path)
    await chmod(path, 0o700)
  } catch (error) {
    throw unusable(path, error)
  }
}

// Written aside and renamed: a reader never sees half a file, and the mode holds from the first byte.
async function writePrivate(path: string, content: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`
  await writeFile(aside, content, { mode: 0o600 })
  await chmod(aside, 0o600)
  await rename(aside, path)
}

async function runningUrl(folder: string): Promise<string | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(join(folder, STATE_FILE_NAME), 'utf8'))
    if (typeof content !== 'object' || content === null || !('url' in content)) return undefined
    return typeof content.url === 'string' ? content.url : undefined
  } catch {
    // Only makes a message richer: the other gateway may not have written it yet.
    return undefined
  }
}

function unusable(path: string, error: unknown): GatewayStartError {
  const message = `the state folder ${path} cannot be used (${reasonOf(error)}); choose another with --state-dir`
  return new GatewayStartError('STATE_FOLDER', message, error)
}
