import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { UpstreamSpawnFailedError } from '../errors.js'
import { settlesWithin } from './abortable.js'
import { osErrorCode } from './os-error.js'
import { hasProcessGroups, isGroupAlive, signalGroup } from './process-group.js'

/** What to start. Never through a shell. */
export interface LaunchSpec {
  readonly command: string
  readonly args: readonly string[]
  /** @default the working directory of this process */
  readonly workingDir?: string | undefined
  /** Added to the small base environment; wins over it. Secret. */
  readonly env: Readonly<Record<string, string>>
}

/** How a process ended: one of the two is set. */
export interface ChildExit {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** Patience of {@link Child.stop} at each step, in milliseconds. */
export interface StopGrace {
  /** After the end of its input. @default 2_000 */
  readonly stdinEndMs: number
  /** After SIGTERM to the group. @default 5_000 */
  readonly termMs: number
}

/** Two seconds are what servers of the MCP SDK get from its own client; five are for those that save something. */
export const DEFAULT_STOP_GRACE: StopGrace = { stdinEndMs: 2_000, termMs: 5_000 }

/** After SIGKILL only the kernel can be late. */
const KILL_WAIT_MS = 1_000
const GROUP_POLL_MS = 20

/** The variables that the MCP SDK hands to servers; all others of ours (database URL, keys) stay with us. */
const INHERITED = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER']

/**
 * Starts a process at the head of a process group of its own, with pipes on all three streams.
 * The caller must read stdout and stderr, or the child stops at a full pipe, and must call {@link Child.stop}.
 * @throws UpstreamSpawnFailedError if there is no such command, no permission, no such folder.
 */
export async function spawnChild(spec: LaunchSpec, grace: StopGrace = DEFAULT_STOP_GRACE): Promise<Child> {
  const process = startProcess(spec)
  const spawned = Promise.withResolvers<void>()
  process.once('spawn', spawned.resolve)
  process.on('error', spawned.reject)
  try {
    await spawned.promise
  } catch (error) {
    throw spawnFailed(error)
  }
  return new Child(process, grace)
}

/** One running process and the group it leads. Made by {@link spawnChild}. */
export class Child {
  readonly pid: number
  readonly stdin: ChildProcessWithoutNullStreams['stdin']
  readonly stdout: ChildProcessWithoutNullStreams['stdout']
  readonly stderr: ChildProcessWithoutNullStreams['stderr']
  /** Resolves when the process itself has ended; helpers that it started may still live. */
  readonly exit: Promise<ChildExit>
  readonly #grace: StopGrace
  #stopping: Promise<void> | undefined

  constructor(process: ChildProcessWithoutNullStreams, grace: StopGrace) {
    this.pid = process.pid ?? 0
    this.stdin = process.stdin
    this.stdout = process.stdout
    this.stderr = process.stderr
    this.#grace = grace
    this.exit = new Promise((resolve) => {
      process.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    })
  }

  /**
   * Ends the whole group: end of input, SIGTERM, SIGKILL, each only if the step before did not suffice; then lets go of
   * the pipes, which a helper may still hold. Idempotent; takes at most the grace plus a second; never rejects.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.stdin.end()
    const exited = await settlesWithin(this.exit, this.#grace.stdinEndMs)
    if (!exited || isGroupAlive(this.pid)) await this.#endGroup()
    this.stdin.destroy()
    this.stdout.destroy()
    this.stderr.destroy()
  }

  async #endGroup(): Promise<void> {
    signalGroup(this.pid, 'SIGTERM')
    if (await this.#groupEnds(this.#grace.termMs)) return
    signalGroup(this.pid, 'SIGKILL')
    await this.#groupEnds(KILL_WAIT_MS)
  }

  async #groupEnds(ms: number): Promise<boolean> {
    const deadline = performance.now() + ms
    if (!(await settlesWithin(this.exit, ms))) return false
    while (isGroupAlive(this.pid)) {
      if (performance.now() >= deadline) return false
      await sleep(GROUP_POLL_MS)
    }
    return true
  }
}

/** The environment of a child: a few variables of ours, then its own. */
export function childEnvironment(
  own: Readonly<Record<string, string>>,
  inherited: Readonly<NodeJS.ProcessEnv> = process.env,
): Record<string, string> {
  const base = INHERITED.flatMap((name) => {
    const value = inherited[name]
    // A value that begins like a function definition was the vehicle of ShellShock.
    return value === undefined || value.startsWith('()') ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(base), ...own }
}

function startProcess(spec: LaunchSpec): ChildProcessWithoutNullStreams {
  try {
    return spawn(spec.command, [...spec.args], {
      cwd: spec.workingDir,
      env: childEnvironment(spec.env),
      detached: hasProcessGroups,
      shell: false,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
  } catch (error) {
    throw spawnFailed(error)
  }
}

function spawnFailed(error: unknown): UpstreamSpawnFailedError {
  return new UpstreamSpawnFailedError({ reason: osErrorCode(error), cause: error })
}
