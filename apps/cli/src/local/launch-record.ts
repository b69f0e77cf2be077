import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError, systemCode } from '../errors.js'

/** How a background gateway was started, so that `restart` can do it again. */
export interface LaunchRecord {
  readonly args: readonly string[]
  readonly cwd: string
}

/** Notes it in the state folder. Mode 0600: a database URL among the arguments may hold a password. */
export async function writeLaunch(stateDir: string, record: LaunchRecord): Promise<void> {
  const path = recordPath(stateDir)
  await writeFile(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  await chmod(path, 0o600)
}

/** @throws CliError when no gateway was started in the background there */
export async function readLaunch(stateDir: string): Promise<LaunchRecord> {
  try {
    const value: unknown = JSON.parse(await readFile(recordPath(stateDir), 'utf8'))
    if (isRecord(value)) return value
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error
  }
  const message = `It is not known how the gateway of ${stateDir} was started: it was not with --background.`
  throw new CliError('CLI_NO_LAUNCH_RECORD', message, { next: 'mcpp gateway start --background' })
}

function recordPath(stateDir: string): string {
  return join(stateDir, 'launch.json')
}

function isRecord(value: unknown): value is LaunchRecord {
  if (typeof value !== 'object' || value === null) return false
  const { args, cwd } = value as Partial<LaunchRecord>
  return typeof cwd === 'string' && Array.isArray(args) && args.every((arg) => typeof arg === 'string')
}
