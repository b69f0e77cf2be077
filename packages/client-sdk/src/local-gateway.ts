import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { DEFAULT_STATE_FOLDER, type GatewayStateFile, STATE_FILE_NAME } from '@mcp-platform/contract'
import { StateFileError } from './errors.js'

/** Where to look for a gateway on this machine. */
export interface DiscoverOptions {
  /** State folder. @default $MCPP_STATE_DIR, else ~/.mcpp */
  readonly stateDir?: string | undefined
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/** A gateway that this machine's state folder tells of. It may have ended without removing its file. */
export interface LocalGateway {
  readonly url: string
  /** Where management is, when it has a listener of its own. */
  readonly managementUrl: string | undefined
  readonly pid: number
  readonly version: string
  readonly startedAt: Date
  readonly stateDir: string
  /** Lets its bearer change everything; absent when there is none or it is not ours to read. */
  readonly adminToken: string | undefined
}

/** The state folder: the option, else `$MCPP_STATE_DIR`, else `~/.mcpp`. Absolute. */
export function stateFolder({ stateDir, env = process.env }: DiscoverOptions = {}): string {
  return resolve(stateDir || env['MCPP_STATE_DIR'] || join(homedir(), DEFAULT_STATE_FOLDER))
}

/**
 * Finds the gateway that runs on this machine, and its admin token. Undefined when there is no state file.
 * @throws StateFileError when the file is there but cannot be read or is no state file
 */
export async function discoverLocalGateway(options: DiscoverOptions = {}): Promise<LocalGateway | undefined> {
  const stateDir = stateFolder(options)
  const path = join(stateDir, STATE_FILE_NAME)
  const text = await readIfPresent(path)
  if (text === undefined) return undefined
  const state = parseState(path, text)
  return {
    url: state.url,
    managementUrl: state.admin_url,
    pid: state.pid,
    version: state.version,
    startedAt: new Date(state.started_at),
    stateDir,
    adminToken: state.admin_token_file === undefined ? undefined : await readToken(state.admin_token_file),
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new StateFileError(path, 'cannot be read', error)
  }
}

// A token of another user is none of ours; the gateway then says that a credential is required.
async function readToken(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim() || undefined
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined
    throw new StateFileError(path, 'cannot be read', error)
  }
}

function parseState(path: string, text: string): GatewayStateFile {
  const value = parseJson(path, text)
  if (isState(value)) return value
  throw new StateFileError(path, 'is not the state file of a gateway')
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StateFileError(path, 'is not JSON', cause)
  }
}

function isState(value: unknown): value is GatewayStateFile {
  if (typeof value !== 'object' || value === null) return false
  const { url, admin_url: adminUrl, pid, version, started_at: startedAt } = value as Partial<GatewayStateFile>
  if (!isUrl(url) || (adminUrl !== undefined && !isUrl(adminUrl))) return false
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return false
  return typeof version === 'string' && typeof startedAt === 'string'
}

function isUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value)
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code))
}
