import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemCode } from '../errors.js'

/** Ticks per second of /proc/<pid>/stat: USER_HZ, 100 on every Linux that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100

/** True while the process runs; one that has ended but was not waited for does not. */
export async function isAlive(pid: number): Promise<boolean> {
  if (!exists(pid)) return false
  if (process.platform !== 'linux') return true
  const fields = await statFields(pid)
  return fields !== undefined && fields[0] !== 'Z'
}

/** When the process started; undefined where that cannot be told. Exact to about a second. */
export async function startTime(pid: number): Promise<Date | undefined> {
  if (process.platform === 'linux') return startOnLinux(pid)
  return process.platform === 'win32' ? undefined : startByPs(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

async function startOnLinux(pid: number): Promise<Date | undefined> {
  const fields = await statFields(pid)
  const ticks = Number(fields?.[19])
  const uptime = Number((await readFile('/proc/uptime', 'utf8')).split(' ', 1)[0])
  if (!Number.isFinite(ticks) || !Number.isFinite(uptime)) return undefined
  return new Date(Date.now() - (uptime - ticks / TICKS_PER_SECOND) * 1_000)
}

/** Fields of /proc/<pid>/stat after the name, which is in parentheses and may hold anything. */
async function statFields(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined
    throw error
  }
}

async function startByPs(pid: number): Promise<Date | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
    const time = new Date(stdout.trim())
    return Number.isNaN(time.getTime()) ? undefined : time
  } catch (error) {
    // ps ends with 1 when there is no such process, and may be missing.
    if (typeof error === 'object' && error !== null && 'code' in error) return undefined
    throw error
  }
}
