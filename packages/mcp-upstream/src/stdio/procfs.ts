import { readdirSync, readFileSync } from 'node:fs'

/** One process as `/proc` shows it. `startTicks` with the pid names it for good, since pids are used again. */
export interface ProcessFacts {
  readonly pid: number
  /** `R`, `S`, …; `Z` is a zombie: ended, not yet collected by its parent. */
  readonly state: string
  readonly processGroup: number
  /** Clock ticks between boot and the start of the process (field 22 of stat). */
  readonly startTicks: string
}

/** Facts of a process that lives; undefined if it does not, is a zombie, or this system has no `/proc`. */
export function livingProcess(pid: number): ProcessFacts | undefined {
  const stat = readProc(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the command in brackets and may itself hold spaces and brackets: count from its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', , processGroup = ''] = fields
  if (state === 'Z' || state === 'X') return undefined
  return { pid, state, processGroup: Number(processGroup), startTicks: fields[19] ?? '' }
}

/** All living members of a process group. Reads the whole of `/proc`: some milliseconds. Empty without `/proc`. */
export function livingMembers(processGroup: number): ProcessFacts[] {
  return allPids()
    .map(livingProcess)
    .filter((facts): facts is ProcessFacts => facts?.processGroup === processGroup)
}

/** Names this boot of the machine; undefined where the system does not say. */
export function bootId(): string | undefined {
  return readProc('/proc/sys/kernel/random/boot_id')?.trim()
}

function allPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return [] // No /proc on this system.
  }
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // The process is gone, or this system has no /proc: both mean "nothing known".
  }
}
