import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError, systemCode } from '../errors.js'
import { ifThere } from '../if-there.js'
import { isObject } from '../json-object.js'
import { underLock } from './file-lock.js'

/** Who is logged in, where. Without tokens: the login has ended. */
export interface StoredLogin {
  /** Origin of the gateway: the tokens are sent nowhere else. */
  readonly origin: string
  readonly user: string
  readonly access_token?: string | undefined
  readonly refresh_token?: string | undefined
  /** ISO 8601. */
  readonly expires_at?: string | undefined
}

/** One gateway and how to log on to it. */
export interface Profile {
  url?: string | undefined
  api_key?: string | undefined
  token?: string | undefined
  login?: StoredLogin | undefined
}

/** Content of the central configuration. */
export interface ProfilesDocument {
  /** The profile in use when nothing names one. */
  profile?: string | undefined
  profiles: Record<string, Profile>
}

/** The profile that is used where none was chosen. */
export const DEFAULT_PROFILE = 'default'
const FILE_NAME = 'config.json'
const PROFILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Where the profiles are: `$MCPP_CONFIG_DIR`, else the folder that oclif gives. */
export function profilesPath(env: NodeJS.ProcessEnv, standardFolder: string): string {
  return join(env['MCPP_CONFIG_DIR'] || standardFolder, FILE_NAME)
}

/** Reads the profiles; none when there is no file. @throws CliError for a file that cannot be used */
export async function loadProfiles(path: string): Promise<ProfilesDocument> {
  const text = await readIfPresent(path)
  if (text === undefined) return { profiles: {} }
  const value = parse(path, text)
  if (!isDocument(value)) throw unusable(path, 'it is not a configuration of mcpp')
  return value
}

/** Writes the profiles, readable by their owner only. */
async function saveProfiles(path: string, document: ProfilesDocument): Promise<void> {
  const aside = `${path}.${process.pid}.new`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    // Renamed into place: a reader never sees half a file, and the mode holds from the first byte.
    await writeFile(aside, `${JSON.stringify(document, null, 2)}\n`, { mode: 0o600 })
    await chmod(aside, 0o600)
    await rename(aside, path)
  } catch (error) {
    throw unusable(path, systemCode(error) ?? 'it cannot be written', error)
  }
}

/** Reads the profiles, changes them and writes them back; what other `mcpp` write at the same time is not lost. */
export function changeProfiles(path: string, change: (document: ProfilesDocument) => ProfilesDocument): Promise<void> {
  return underLock(`${path}.lock`, async () => {
    const document = await loadProfiles(path)
    const changed = change(document)
    if (changed !== document) await saveProfiles(path, changed)
  })
}

/** True when others than its owner can read the file. Windows has no such modes. */
export async function isReadableByOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false
  const found = await ifThere(stat(path))
  return found !== undefined && (found.mode & 0o077) !== 0
}

/** @throws CliError for a name that is none */
export function requireProfileName(name: string): string {
  if (PROFILE_NAME.test(name) && name !== '__proto__') return name
  throw new CliError(
    'CLI_BAD_PROFILE',
    `${JSON.stringify(name)} is no name for a profile: use letters, digits, ".", "-", "_".`,
  )
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw unusable(path, systemCode(error) ?? 'it cannot be read', error)
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw unusable(path, 'it is not JSON', cause)
  }
}

function isDocument(value: unknown): value is ProfilesDocument {
  if (!isObject(value) || !isObject(value['profiles'])) return false
  return isText(value['profile']) && Object.values(value['profiles']).every(isProfile)
}

function isProfile(value: unknown): value is Profile {
  if (!isObject(value) || !['url', 'api_key', 'token'].every((name) => isText(value[name]))) return false
  return value['login'] === undefined || isLogin(value['login'])
}

function isLogin(value: unknown): value is StoredLogin {
  if (!isObject(value) || typeof value['origin'] !== 'string' || typeof value['user'] !== 'string') return false
  return ['access_token', 'refresh_token', 'expires_at'].every((name) => isText(value[name]))
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function unusable(path: string, reason: string, cause?: unknown): CliError {
  const next = 'mcpp config path'
  return new CliError('CLI_CONFIG_UNUSABLE', `The configuration ${path} cannot be used: ${reason}.`, { next, cause })
}
