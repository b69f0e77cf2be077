import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, systemCode } from '../errors.js'
import { ifThere } from '../if-there.js'

/** Nothing is done for longer under a lock: a renewal of tokens takes 30 s at most. */
const STALE_AFTER_MS = 60_000
const POLL_MS = 25

/**
 * Runs `work` while no other process does so under the same lock file. A lock that was left by a process that died is
 * taken away after a minute.
 * @throws CliError `CLI_LOCKED` when others hold it for too long
 */
export async function underLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mark = `${process.pid} ${randomUUID()}`
  await take(path, mark)
  try {
    return await work()
  } finally {
    if ((await ifThere(readFile(path, 'utf8'))) === mark) await rm(path, { force: true })
  }
}

async function take(path: string, mark: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const deadline = performance.now() + STALE_AFTER_MS + 5_000
  while (!(await tryTake(path, mark))) {
    if (performance.now() > deadline) {
      throw new CliError('CLI_LOCKED', `Another mcpp does not let go of ${path}; remove it if there is none.`)
    }
    await removeStale(path)
    await sleep(POLL_MS)
  }
}

async function tryTake(path: string, mark: string): Promise<boolean> {
  try {
    await writeFile(path, mark, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

async function removeStale(path: string): Promise<void> {
  const age = await ageOf(path)
  if (age === undefined || age < STALE_AFTER_MS) return
  const aside = `${path}.${randomUUID()}`
  try {
    // Only one of many that find it stale can move it away.
    await rename(path, aside)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  await rm(aside, { force: true })
}

async function ageOf(path: string): Promise<number | undefined> {
  const found = await ifThere(stat(path))
  return found && Date.now() - found.mtimeMs
}
