import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isGroupAlive, signalGroup } from './process-group.js'
import { bootId, livingMembers, livingProcess } from './procfs.js'

/** Remembers which children run, so that a later run can end those that this one left behind. */
export interface ChildLedger {
  /** A child leads a new process group. */
  record(pid: number): void
  /** The child has done its set-up: its helpers exist by now. */
  refresh(pid: number): void
  /** The whole group has ended. */
  forget(pid: number): void
}

interface RecordedProcess {
  readonly pid: number
  readonly startTicks: string
}

interface RecordedChild {
  readonly group: number
  /** The leader, and what had joined its group when it became ready. */
  readonly members: readonly RecordedProcess[]
}

interface RunFile {
  readonly bootId: string
  readonly gateway: RecordedProcess
  readonly children: readonly RecordedChild[]
}

/** Options of a {@link ChildRunFile}. */
export interface ChildRunFileOptions {
  /** For example `<state>/children.json`. Its folder is made if need be. */
  readonly path: string
  /** The file could not be written: children then run unrecorded. */
  readonly onError?: ((error: unknown) => void) | undefined
}

const TERM_WAIT_MS = 2_000
const POLL_MS = 20

/**
 * The run file: pid and start time of every child, and of the helpers it had when it became ready. Written at once and
 * whole (a crash right after a start must find it), which is a small synchronous write per start of a child.
 * Call {@link ChildRunFile.sweep} before the first child starts. Works on Linux; elsewhere it records nothing.
 */
export class ChildRunFile implements ChildLedger {
  readonly #options: ChildRunFileOptions
  readonly #children = new Map<number, RecordedChild>()

  constructor(options: ChildRunFileOptions) {
    this.#options = options
  }

  /**
   * Ends the process groups that the last run left behind: SIGTERM, two seconds, SIGKILL. A group is ours only if one
   * of its recorded members still lives in it with the same start time on the same boot; names are never looked at.
   * Does nothing while the process that wrote the file lives. Returns how many groups were ended.
   */
  async sweep(): Promise<number> {
    const last = readRunFile(this.#options.path)
    if (!last || last.bootId !== bootId() || isSame(last.gateway)) return 0
    const groups = last.children.filter(isLeftover).map((child) => child.group)
    await Promise.all(groups.map(endGroup))
    return groups.length
  }

  record(pid: number): void {
    this.refresh(pid)
  }

  refresh(pid: number): void {
    const members = livingMembers(pid).map(({ pid: member, startTicks }) => ({ pid: member, startTicks }))
    if (members.length === 0) return
    this.#children.set(pid, { group: pid, members })
    this.#write()
  }

  forget(pid: number): void {
    if (this.#children.delete(pid)) this.#write()
  }

  #write(): void {
    const boot = bootId()
    const gateway = livingProcess(process.pid)
    if (boot === undefined || !gateway) return
    const file: RunFile = {
      bootId: boot,
      gateway: { pid: gateway.pid, startTicks: gateway.startTicks },
      children: [...this.#children.values()],
    }
    try {
      replaceFile(this.#options.path, JSON.stringify(file))
    } catch (error) {
      this.#options.onError?.(error)
    }
  }
}

async function endGroup(group: number): Promise<void> {
  signalGroup(group, 'SIGTERM')
  const deadline = performance.now() + TERM_WAIT_MS
  while (isGroupAlive(group)) {
    if (performance.now() >= deadline) {
      signalGroup(group, 'SIGKILL')
      return
    }
    await sleep(POLL_MS)
  }
}

// A group's number is not used again while any of its members lives, so one member that is known names the whole group.
function isLeftover(child: RecordedChild): boolean {
  return child.members.some((member) => isSame(member) && livingProcess(member.pid)?.processGroup === child.group)
}

function isSame({ pid, startTicks }: RecordedProcess): boolean {
  return livingProcess(pid)?.startTicks === startTicks
}

function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}.tmp`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, path)
}

function readRunFile(path: string): RunFile | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isRunFile(parsed) ? parsed : undefined
  } catch {
    return undefined // No last run, or a file that is not ours: nothing to sweep.
  }
}

function isRunFile(value: unknown): value is RunFile {
  return (
    isObject(value) &&
    typeof value['bootId'] === 'string' &&
    isRecordedProcess(value['gateway']) &&
    Array.isArray(value['children']) &&
    value['children'].every(isRecordedChild)
  )
}

function isRecordedChild(value: unknown): value is RecordedChild {
  return (
    isObject(value) &&
    isPid(value['group']) &&
    Array.isArray(value['members']) &&
    value['members'].every(isRecordedProcess)
  )
}

function isRecordedProcess(value: unknown): value is RecordedProcess {
  return isObject(value) && isPid(value['pid']) && typeof value['startTicks'] === 'string'
}

// 1 and below would be everybody: kill(-1) reaches all processes.
function isPid(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 1
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
