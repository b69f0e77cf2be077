import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MasterKey, MasterKeyRing } from '@mcp-platform/auth'
import { GatewayStartError, reasonOf, systemCode } from '../errors.js'

const VARIABLE = 'MCP_GATEWAY_MASTER_KEY'
const HOW_TO_MAKE = '"openssl rand -base64 32" makes one'

/** Where a master key may come from. */
export interface MasterKeySources {
  readonly env: NodeJS.ProcessEnv
  readonly stateDir: string
  /** The database belongs to this machine alone, so a key that nobody else has will do. */
  readonly isLocalDatabase: boolean
}

/**
 * The master keys of this process: of `MCP_GATEWAY_MASTER_KEY`, or the file that `…_FILE` names (both may hold several,
 * separated by white space: the first is in use, the others are still read), else of the file `master-key` in the state
 * folder (mode 0600), which is made where the database is SQLite.
 * @throws GatewayStartError MASTER_KEY
 */
export async function loadMasterKeys(sources: MasterKeySources): Promise<MasterKeyRing> {
  const configured = await configuredKeys(sources.env)
  if (configured !== undefined) return configured
  if (sources.isLocalDatabase) return ownKey(sources.stateDir)
  const message = `a database that several nodes can share needs a master key that they all have: set ${VARIABLE} or ${VARIABLE}_FILE (${HOW_TO_MAKE})`
  throw new GatewayStartError('MASTER_KEY', message)
}

async function configuredKeys(env: NodeJS.ProcessEnv): Promise<MasterKeyRing | undefined> {
  const text = env[VARIABLE]?.trim()
  const file = env[`${VARIABLE}_FILE`]?.trim()
  if (text !== undefined && text !== '') return parseRing(text, VARIABLE)
  if (file === undefined || file === '') return undefined
  return parseRing(await readKeyFile(file), file)
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const message = `the master key file ${file} cannot be read (${reasonOf(error)})`
    throw new GatewayStartError('MASTER_KEY', message, error)
  }
}

function parseRing(text: string, where: string): MasterKeyRing {
  try {
    const [current, ...readable] = text
      .split(/\s+/)
      .filter((part) => part !== '')
      .map((part) => MasterKey.parse(part))
    if (current === undefined) throw new RangeError('it holds no key')
    return new MasterKeyRing(current, readable)
  } catch (error) {
    const message = `the master key in ${where} cannot be used: ${reasonOf(error)}; ${HOW_TO_MAKE}`
    throw new GatewayStartError('MASTER_KEY', message)
  }
}

async function ownKey(stateDir: string): Promise<MasterKeyRing> {
  const path = join(stateDir, 'master-key')
  try {
    return parseRing(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
  await makeKeyFile(path)
  return parseRing(await readFile(path, 'utf8'), path)
}

// Whole or not at all, and never in the place of one that is there.
async function makeKeyFile(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`
  await writeFile(aside, `${MasterKey.generate().export()}\n`, { mode: 0o600, flush: true })
  try {
    await link(aside, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
}
