import { randomBytes } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { GatewayStartError } from '../errors.js'
import { ifThere } from '../state/if-there.js'

const SHAPE = /^[A-Za-z0-9.-]{1,80}$/

/**
 * The name under which this state folder writes its audit chain: made once and kept (`audit-node`), so that a chain goes
 * on after a restart and a cut end shows.
 * @throws GatewayStartError STATE_FOLDER
 */
export async function auditNodeName(stateDir: string): Promise<string> {
  const path = join(stateDir, 'audit-node')
  return (await read(path)) ?? make(path)
}

async function read(path: string): Promise<string | undefined> {
  const name = (await ifThere(readFile(path, 'utf8')))?.trim()
  if (name === undefined || SHAPE.test(name)) return name
  throw new GatewayStartError('STATE_FOLDER', `the file ${path} is damaged; remove it, a new audit chain is begun then`)
}

async function make(path: string): Promise<string> {
  const host = hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .slice(0, 64)
  const aside = `${path}.${process.pid}.new`
  await writeFile(aside, `${host}-${randomBytes(4).toString('hex')}\n`, { mode: 0o600 })
  try {
    await link(aside, path)
  } finally {
    await rm(aside, { force: true })
  }
  return (await read(path)) ?? ''
}
