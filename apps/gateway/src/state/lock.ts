import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GatewayStartError, systemCode } from '../errors.js'
import { ifThere } from './if-there.js'
import { processStart } from './process-start.js'

/** Held while a gateway runs on a state folder. */
export interface FolderLock {
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  /** When that process started, in the system's own terms: a pid alone may be taken by another program by now. */
  readonly start: string | undefined
}

// Others that start at the same time hold the takeover for a moment.
const ATTEMPTS = 50
const PAUSE_MS = 20

/**
 * Takes the lock of a state folder. The lock of a process that is gone is taken over.
 * @param url where the gateway that has it answers, for the message
 * @throws GatewayStartError `ALREADY_RUNNING`
 */
export async function lockFolder(folder: string, url: () => Promise<string | undefined>): Promise<FolderLock> {
  const path = join(folder, 'lock')
  const content = JSON.stringify({ pid: process.pid, start: await processStart(process.pid) })
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await take(path, content)) return { release: () => giveUp(path, content) }
    const held = await ifThere(readFile(path, 'utf8'))
    if (held === undefined) continue
    const owner = readOwner(held)
    if (owner !== undefined && (await isAlive(owner))) throw alreadyRunning(folder, owner, await url())
    await takeAway(path, held, content)
  }
  throw new GatewayStartError(
    'ALREADY_RUNNING',
    `several gateways are starting on the state folder ${folder}; try again`,
  )
}

// A hard link appears at once and whole, or not at all.
async function take(path: string, content: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`
  await writeFile(aside, content, { mode: 0o600 })
  try {
    await link(aside, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(aside, { force: true })
  }
}

// Two that find the same stale lock: without the takeover the second would remove what the first has just taken.
async function takeAway(path: string, held: string, content: string): Promise<void> {
  const takeover = `${path}.takeover`
  if (!(await take(takeover, content))) {
    await sleep(PAUSE_MS)
    await dropAbandoned(takeover)
    return
  }
  try {
    if ((await ifThere(readFile(path, 'utf8'))) === held) await rm(path, { force: true })
  } finally {
    await rm(takeover, { force: true })
  }
}

async function dropAbandoned(takeover: string): Promise<void> {
  const held = await ifThere(readFile(takeover, 'utf8'))
  const owner = held === undefined ? undefined : readOwner(held)
  if (held !== undefined && (owner === undefined || !(await isAlive(owner)))) await rm(takeover, { force: true })
}

async function giveUp(path: string, content: string): Promise<void> {
  if ((await ifThere(readFile(path, 'utf8'))) === content) await rm(path, { force: true })
}

function readOwner(held: string): Owner | undefined {
  const match = /^\{"pid":(\d+)(?:,"start":"([^"]*)")?\}$/.exec(held)
  return match === null ? undefined : { pid: Number(match[1]), start: match[2] }
}

async function isAlive(owner: Owner): Promise<boolean> {
  // Two gateways in one process share the pid: the lock in the file is the other one's.
  const start = await processStart(owner.pid)
  if (start === undefined) return false
  return owner.start === undefined || owner.start === start
}

function alreadyRunning(folder: string, owner: Owner, url: string | undefined): GatewayStartError {
  const where = url === undefined ? '' : ` at ${url}`
  const message = `a gateway (process ${owner.pid}) already runs${where} on the state folder ${folder}; stop it with "mcpp gateway stop", or choose another folder with --state-dir`
  return new GatewayStartError('ALREADY_RUNNING', message)
}
