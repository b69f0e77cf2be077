import { type ChildProcess, spawn } from 'node:child_process'
import { CommandFailedError } from '../errors.js'
import type { Probe } from '../probe.js'

/** Which program decides, and how it is run. */
export interface CommandProbeOptions<T> {
  /** A program name or path; never a shell line. */
  readonly command: string
  /** Its arguments, or a function that makes them for a target. @default none */
  readonly args?: readonly string[] | ((target: T) => readonly string[]) | undefined
  /** Working directory. @default that of this process */
  readonly cwd?: string | undefined
  /** Added to HOME, LOGNAME, PATH, SHELL, TERM and USER; nothing else of this process's environment is passed on. @default none */
  readonly env?: Readonly<Record<string, string>> | undefined
}

const INHERITED = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'] as const

/** So much of the end of stderr is kept to say why the command failed. */
const KEPT_STDERR_CHARS = 2_000

/** The reason is one line for people. */
const MAX_LINE_CHARS = 200

/**
 * Probes by running a program: exit code 0 is fit, anything else is unfit with the last line of stderr. The program runs without a
 * shell and in a process group of its own, which is killed when the probe ends or is aborted: nothing is left behind.
 */
export function commandProbe<T = unknown>(options: CommandProbeOptions<T>): Probe<T> {
  return async (target, signal) => {
    signal.throwIfAborted()
    const args = typeof options.args === 'function' ? options.args(target) : (options.args ?? [])
    const child = spawn(options.command, [...args], {
      cwd: options.cwd,
      env: { ...inheritedEnvironment(), ...options.env },
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: false,
      detached: true,
      windowsHide: true,
    })
    await ended(child, signal)
  }
}

async function ended(child: ChildProcess, signal: AbortSignal): Promise<void> {
  const stop = () => {
    killGroup(child)
    // A grandchild that left the group may hold the pipe for ever.
    child.stderr?.destroy()
  }
  signal.addEventListener('abort', stop, { once: true })
  try {
    await exitOf(child, keepEnd(child))
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

function exitOf(child: ChildProcess, lastLine: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode) => {
      if (exitCode === 0) resolve()
      else killGroup(child)
    })
    // Later than 'exit': by now stderr was read to its end.
    child.once('close', (exitCode, signal) =>
      reject(new CommandFailedError({ exitCode, signal, lastLine: lastLine() })),
    )
  })
}

/** Drains stderr, so that a chatty command does not block, and keeps its end. */
function keepEnd(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_STDERR_CHARS)
  })
  return () => text.trimEnd().split('\n').at(-1)?.trim().slice(0, MAX_LINE_CHARS) ?? ''
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** ESRCH: nobody is left in the group. EPERM (macOS): only zombies are. */
function isGone(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false
  return error.code === 'ESRCH' || error.code === 'EPERM'
}

function inheritedEnvironment(): Record<string, string> {
  const entries = INHERITED.map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(
    entries.filter((entry): entry is [(typeof INHERITED)[number], string] => entry[1] !== undefined),
  )
}
