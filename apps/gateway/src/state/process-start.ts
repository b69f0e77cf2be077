import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemCode } from '../errors.js'

/**
 * When a process started, in the system's own terms (only good for comparing); undefined when there is none.
 * Together with the pid it names one process for ever, while a pid alone is given out again.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (!exists(pid)) return undefined
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}

async function fromProc(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses and may hold anything; the start is field 22 (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined
    throw error
  }
}

async function fromPs(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') return 'running'
  const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)])
  return stdout.trim() === '' ? undefined : stdout.trim()
}
