import { randomBytes } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayStartError, systemCode } from '../errors.js'

const KEY_BYTES = 32

/**
 * The key of snapshots, of this state folder (`snapshot.key`, mode 0600); made on first use.
 * @throws GatewayStartError STATE_FOLDER
 */
export async function snapshotKey(stateDir: string): Promise<Buffer> {
  const path = join(stateDir, 'snapshot.key')
  const known = await readKey(path)
  if (known !== undefined) return known
  await makeKey(path)
  return (await readKey(path)) ?? unusable(path)
}

async function readKey(path: string): Promise<Buffer | undefined> {
  try {
    const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64url')
    return key.length === KEY_BYTES ? key : unusable(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

// Whole or not at all, and never in the place of one that is there.
async function makeKey(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.new`
  await writeFile(aside, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, { mode: 0o600 })
  try {
    await link(aside, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    await rm(aside, { force: true })
  }
}

function unusable(path: string): never {
  throw new GatewayStartError('STATE_FOLDER', `the file ${path} is damaged; remove it, a new one is made`)
}
