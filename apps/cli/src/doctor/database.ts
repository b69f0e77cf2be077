import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../errors.js'
import { ifThere } from '../if-there.js'
import { type Check, type DoctorPlace, type Finding, settingOf, sourceOf } from './finding.js'

const CHECK = 'database'
const LITTLE_SPACE_BYTES = 256 * 1_024 * 1_024

/** With SQLite: that its disk has room. */
export const checkDisk: Check = async (place) => {
  const file = sqliteFile(place)
  return file !== undefined && (await exists(file)) ? diskFindings(file) : []
}

/** That the database of a start answers and has the schema of this version. */
export const checkDatabase: Check = async (place) => {
  const file = sqliteFile(place)
  if (file !== undefined && !(await exists(file))) {
    return [{ check: CHECK, level: 'ok', message: `${file} will be made at the first start` }]
  }
  const url = rawUrl(place)
  if (url === undefined) return [toldFinding(place)]
  return [await open(url, String(settingOf(place, 'database')))]
}

async function open(url: string, shown: string): Promise<Finding> {
  const { openStores } = await import('@mcp-platform/gateway')
  try {
    const stores = await openStores({ database: url, schema: 'require', mustExist: true })
    await stores.close()
    return { check: CHECK, level: 'ok', message: `${shown} answers and is up to date` }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isOld = systemCode(error) === 'SCHEMA_OUTDATED'
    const fix = isOld ? 'mcpp gateway db migrate, or start the gateway' : 'look at the URL, the server and the network'
    return { check: CHECK, level: isOld ? 'warning' : 'error', message, fix }
  }
}

// The URL is in a file, and what is shown of it has no password.
function toldFinding({ running }: DoctorPlace): Finding {
  if (running.state === 'silent') {
    const fix = 'mcpp gateway start, then this again'
    return { check: CHECK, level: 'warning', message: 'is looked at while the gateway runs', fix }
  }
  if (running.health.database !== 'unavailable')
    return { check: CHECK, level: 'ok', message: 'the gateway says that it answers' }
  return { check: CHECK, level: 'error', message: 'the gateway says that it does not answer', fix: 'mcpp gateway logs' }
}

function rawUrl(place: DoctorPlace): string | undefined {
  const shown = String(settingOf(place, 'database'))
  if (!shown.includes('***')) return shown
  const source = sourceOf(place, 'database') ?? ''
  const raw = source === '--database' ? place.given['database'] : place.env[source]
  return typeof raw === 'string' ? raw : undefined
}

function sqliteFile(place: DoctorPlace): string | undefined {
  return /^sqlite:\/\/(\/[^?]*)/.exec(String(settingOf(place, 'database')))?.[1]
}

async function exists(path: string): Promise<boolean> {
  return (await ifThere(stat(path))) !== undefined
}

async function diskFindings(file: string): Promise<Finding[]> {
  const folder = dirname(file)
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize > LITTLE_SPACE_BYTES) return []
  const message = `the disk of ${folder} has ${Math.floor((bavail * bsize) / 1_048_576)} MiB left`
  return [{ check: CHECK, level: 'warning', message, fix: 'make room, or give --database another place' }]
}
