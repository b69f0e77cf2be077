import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { osErrorCode } from './os-error.js'
import { livingMembers } from './procfs.js'

const windows = process.platform === 'win32'

/** Whether children lead a process group of their own, as they do everywhere but on Windows. */
export const hasProcessGroups: boolean = !windows

/** Sends a signal to every process of the group that `leader` leads. A group that is gone is no error. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (windows) {
    endTree(leader)
    return
  }
  try {
    process.kill(-leader, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Whether any process of the group lives. Zombies do not count: a container's first process may never collect them. */
export function isGroupAlive(leader: number): boolean {
  if (windows || !answersSignals(-leader)) return false
  return existsSync('/proc/self/stat') ? livingMembers(leader).length > 0 : true
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !isGone(error)
  }
}

// macOS answers EPERM for a group of which only zombies are left.
function isGone(error: unknown): boolean {
  const code = osErrorCode(error)
  return code === 'ESRCH' || code === 'EPERM'
}

function endTree(leader: number): void {
  const killer = spawn('taskkill', ['/PID', String(leader), '/T', '/F'], { stdio: 'ignore', windowsHide: true })
  // Without taskkill the child is left to its own end of input; its exit is awaited, bounded, by the caller.
  killer.on('error', () => process.kill(leader))
}
