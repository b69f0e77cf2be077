import { readFileSync } from 'node:fs'

/** Whether a process lives. A zombie (ended, not yet collected by its parent) is dead. */
export function pidAlive(pid: number): boolean {
  const state = processState(pid)
  if (state === undefined) return answersSignals(pid)
  return state !== 'Z' && state !== 'X' && state !== 'gone'
}

/** When a process started, in clock ticks since boot; with its pid it names a process for good, since pids are used again. */
export function processStartTicks(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  // The second field is the command in brackets and may hold spaces: count from its last bracket.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function processState(pid: number): string | undefined {
  if (readProc('/proc/self/status') === undefined) return undefined
  const status = readProc(`/proc/${pid}/status`)
  return status === undefined ? 'gone' : /^State:\s+(\S)/m.exec(status)?.[1]
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // The process is gone, or this system has no /proc.
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH is the answer "no".
  }
}
