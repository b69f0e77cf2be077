import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.js'
import { ifThere } from '../if-there.js'
import { type Check, type DoctorPlace, type Finding, settingOf } from './finding.js'

interface Place {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly isFolder: boolean
}

/** Files of the state folder that hold a secret: closed on their own, whatever the folder is. */
const SECRET_FILES = ['admin-token', 'master-key', 'launch.json']

/** That nobody else can read or change what the gateway and mcpp keep. */
export const checkFileModes: Check = async (place) => {
  if (process.platform === 'win32') return []
  const paths = [...(await statePaths(place.stateDir)), ...givenPaths(place)]
  const found = (await Promise.all(paths.map(statIfPresent))).filter((one) => one !== undefined)
  const wrong = found.flatMap(faultsOf)
  if (wrong.length > 0) return wrong
  return [{ check: 'files', level: 'ok', message: 'what holds secrets is closed to others' }]
}

async function statePaths(folder: string): Promise<string[]> {
  const itself = await statIfPresent(folder)
  if (itself === undefined) return []
  // Behind a closed folder the modes of the others do not matter.
  const names = isOpen(itself) ? await namesIn(folder) : SECRET_FILES
  return [folder, ...names.map((name) => join(folder, name))]
}

function givenPaths(place: DoctorPlace): string[] {
  const { env, profilesPath } = place
  return [profilesPath, settingOf(place, 'tls_key'), env['MCP_GATEWAY_MASTER_KEY_FILE']].filter(isPath)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'EACCES') return []
    throw error
  }
}

async function statIfPresent(path: string): Promise<Place | undefined> {
  const found = await ifThere(stat(path))
  return found && { path, mode: found.mode, uid: found.uid, isFolder: found.isDirectory() }
}

function faultsOf(place: Place): Finding[] {
  const { path, mode, uid, isFolder } = place
  const faults: Finding[] = []
  if (isOpen(place)) {
    const who = (mode & 0o022) === 0 ? 'read' : 'change'
    const fix = `chmod ${isFolder ? 700 : 600} ${path}`
    faults.push({ check: 'files', level: 'error', message: `others can ${who} ${path}`, fix })
  }
  const me = process.getuid?.()
  if (me !== undefined && me !== 0 && uid !== me) {
    const fix = `sudo chown ${me} ${path}`
    faults.push({ check: 'files', level: 'error', message: `${path} belongs to somebody else`, fix })
  }
  return faults
}

function isOpen({ mode }: Place): boolean {
  return (mode & 0o077) !== 0
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
