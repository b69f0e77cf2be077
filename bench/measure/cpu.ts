import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** The kernel counts CPU time in these (USER_HZ, 100 on every Linux that matters). */
const TICKS_PER_SECOND = 100

interface ProcessTimes {
  readonly parent: number
  /** User and system time, in ticks. */
  readonly ownTicks: number
  /** The same, with that of children that ended. */
  readonly ticks: number
}

/** A reading of all processes' CPU times and of the whole machine's. Empty where there is no /proc. */
export class CpuReading {
  readonly #processes: ReadonlyMap<number, ProcessTimes>
  readonly #busyTicks: number
  readonly #allTicks: number

  private constructor(processes: ReadonlyMap<number, ProcessTimes>, busyTicks: number, allTicks: number) {
    this.#processes = processes
    this.#busyTicks = busyTicks
    this.#allTicks = allTicks
  }

  static take(): CpuReading {
    const { busy, all } = machineTicks()
    return new CpuReading(readProcesses(), busy, all)
  }

  /** CPU seconds that a process and all below it have used. */
  secondsOf(pid: number): number {
    let ticks = 0
    for (const member of this.#family(pid)) ticks += this.#processes.get(member)?.ticks ?? 0
    return ticks / TICKS_PER_SECOND
  }

  /** CPU seconds that a process has used, without those below it. */
  ownSecondsOf(pid: number): number {
    return (this.#processes.get(pid)?.ownTicks ?? 0) / TICKS_PER_SECOND
  }

  /** Share (0..1) of the whole machine that others than `ours` used since an earlier reading. */
  foreignShareSince(earlier: CpuReading, ours: readonly number[]): number {
    const all = this.#allTicks - earlier.#allTicks
    if (all <= 0) return 0
    const own = ours.reduce((sum, pid) => sum + this.secondsOf(pid) - earlier.secondsOf(pid), 0) * TICKS_PER_SECOND
    return Math.max(this.#busyTicks - earlier.#busyTicks - own, 0) / all
  }

  #family(pid: number): ReadonlySet<number> {
    const members = new Set([pid])
    for (const member of members) {
      for (const [child, { parent }] of this.#processes) if (parent === member) members.add(child)
    }
    return members
  }
}

function readProcesses(): ReadonlyMap<number, ProcessTimes> {
  if (!existsSync('/proc')) return new Map()
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return new Map(
    pids.flatMap((pid) => {
      const times = readProcess(pid)
      return times === undefined ? [] : [[Number(pid), times] as const]
    }),
  )
}

function readProcess(pid: string): ProcessTimes | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the command's name in brackets and may hold spaces: count from its last bracket.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15)
  const ownTicks = user + system
  return { parent: fields[1] ?? 0, ownTicks, ticks: ownTicks + endedUser + endedSystem }
}

/** Who started a process; undefined if it is gone. */
export function parentOf(pid: number): number | undefined {
  return readProcess(String(pid))?.parent
}

function machineTicks(): { busy: number; all: number } {
  const line = /^cpu\s+(.*)$/m.exec(read('/proc/stat') ?? '')?.[1] ?? ''
  // user nice system idle iowait irq softirq steal; guest times are inside user already.
  const ticks = line.split(/\s+/).map(Number).slice(0, 8)
  const all = ticks.reduce((sum, value) => sum + value, 0)
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // The process ended meanwhile, or there is no /proc.
  }
}
