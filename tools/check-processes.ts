/*
 * Why: a gateway that supervises children is trusted not to leave any behind, and a test that forgets to stop a peer hides exactly
 * that fault. So after the tests this script looks through /proc for processes that outlived them: those whose mark
 * MCPP_TEST_OWNER=<pid>:<start ticks> (set by the test kit on everything it starts) names a process that is gone, and those whose
 * command line mentions this clone and whose parent is gone (a gateway's stdio children do not inherit the mark). Processes older
 * than the run (a gateway that a developer keeps in the background) are not the suite's; turbo's daemon stays by design.
 * Where there is no /proc there is nothing to see, and it says so.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Tally } from './lib/tally.ts'
import { root } from './lib/workspace.ts'

interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
  /** Clock ticks since boot. */
  readonly start: number
  readonly command: string
  readonly owner: string | undefined
}

/** Processes that were told to end just now may need a moment. */
const GRACE_MS = 15_000

const tally = new Tally()
if (!existsSync('/proc/self/stat')) {
  console.log('check-processes: no /proc on this system, nothing was checked')
} else {
  const left = await leftOvers()
  tally.check(left.map(({ pid, parent, command }) => `left by the tests: pid ${pid} (parent ${parent}): ${command}`))
}
tally.finish()

async function leftOvers(): Promise<readonly Process[]> {
  const deadline = performance.now() + GRACE_MS
  for (;;) {
    const left = findLeftOvers()
    if (left.length === 0 || performance.now() > deadline) return left
    await sleep(100)
  }
}

function findLeftOvers(): readonly Process[] {
  const all = new Map(readProcesses().map((found) => [found.pid, found]))
  const ancestors = ancestorsOf(process.pid, all)
  const since = all.get(process.ppid)?.start ?? 0
  return [...all.values()].filter(
    (found) =>
      !ancestors.has(found.pid) &&
      found.start >= since &&
      found.state !== 'Z' &&
      !isTurboDaemon(found) &&
      (isDisowned(found, all) || isOrphanOfClone(found, all)),
  )
}

function isDisowned({ owner }: Process, all: ReadonlyMap<number, Process>): boolean {
  if (owner === undefined) return false
  const [pid, start] = owner.split(':').map(Number)
  const alive = all.get(pid ?? 0)
  return alive === undefined || alive.state === 'Z' || alive.start !== start
}

function isOrphanOfClone({ parent, command }: Process, all: ReadonlyMap<number, Process>): boolean {
  return command.includes(`${root}/`) && (parent <= 1 || !all.has(parent))
}

function isTurboDaemon({ command }: Process): boolean {
  return /turbo\S*\s.*\bdaemon\b/.test(command)
}

/** In a container pid 1 may be the shell that runs us: our own ancestors are never left over. */
function ancestorsOf(pid: number, all: ReadonlyMap<number, Process>): ReadonlySet<number> {
  const found = new Set<number>()
  for (let at = all.get(pid); at !== undefined && !found.has(at.pid); at = all.get(at.parent)) found.add(at.pid)
  return found
}

function readProcesses(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(Number(pid)) ?? [])
}

function readProcess(pid: number): Process | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the command's name in brackets and may hold spaces: count from its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    pid,
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    start: Number(fields[19]),
    command: (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
    owner: /(?:^|\0)MCPP_TEST_OWNER=([^\0]*)/.exec(read(`/proc/${pid}/environ`) ?? '')?.[1],
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // The process ended meanwhile, or belongs to somebody else.
  }
}
