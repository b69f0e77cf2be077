import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { PeerStartError, TestKitTimeoutError } from './errors.js'
import { type Stoppable, stoppable } from './lifecycle.js'
import { processStartTicks } from './pid.js'

/** How to start a process and how to see that it is ready. */
export interface LaunchOptions {
  /** For error messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Added to this process's environment; NODE_OPTIONS is not inherited. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  /** Run as another user; needs root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined
  /** Sees each line of stdout and stderr; the first `true` means ready. Absent: ready at once. */
  readonly isReady?: ((line: string) => boolean) | undefined
  /** Told of each line of stdout and stderr to the end, also of what {@link Launched.output} has no room for. */
  readonly onLine?: ((line: string) => void) | undefined
  /** In milliseconds. @default 60_000 */
  readonly readyTimeoutMs?: number | undefined
  /** The polite request to end. @default 'SIGTERM' */
  readonly stopSignal?: NodeJS.Signals | undefined
  /** Milliseconds between the polite signal and SIGKILL. @default 3_000 */
  readonly graceMs?: number | undefined
}

/** A running process of a test. */
export interface Launched extends Stoppable {
  readonly pid: number
  /** Resolves when the process has ended, however it did. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** The last 64 KiB of stdout and stderr together. */
  output(): string
  signal(signal: NodeJS.Signals): void
  /** SIGKILL, and waits until it is gone. */
  kill9(): Promise<void>
}

const OUTPUT_CAP = 65_536

/**
 * Starts a process and resolves when it is ready.
 * Every child carries MCPP_TEST_OWNER=<pid>:<start>, by which tools/check-processes.ts finds those that outlive their test.
 * @throws PeerStartError if it ends first; TestKitTimeoutError if it is not ready in time (it is killed then).
 */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const child = spawn(options.command, [...options.args], spawnOptions(options))
  const exited = exitOf(child)
  const output = collectOutput(child)
  if (options.onLine !== undefined) output.onLine(options.onLine)
  await spawned(child, options, output)
  const launched = control(child, { exited, output, options })
  try {
    await ready({ exited, output, options })
  } catch (error) {
    await launched.kill9()
    throw error
  }
  return launched
}

function spawnOptions({ env, cwd, user }: LaunchOptions): SpawnOptions {
  return {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...env, MCPP_TEST_OWNER: ownerMark() },
    ...(cwd === undefined ? {} : { cwd }),
    ...(user === undefined ? {} : user),
  }
}

/** Names this process for {@link launch}'s children and for tools/check-processes.ts. */
export function ownerMark(): string {
  return `${process.pid}:${processStartTicks(process.pid) ?? '0'}`
}

function exitOf(child: ChildProcess): Launched['exited'] {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
}

interface Output {
  text(): string
  onLine(listener: (line: string) => void): void
}

function collectOutput(child: ChildProcess): Output {
  let text = ''
  let pending = ''
  const listeners: ((line: string) => void)[] = []
  const take = (chunk: string): void => {
    text = (text + chunk).slice(-OUTPUT_CAP)
    const lines = (pending + chunk).split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines) for (const listener of listeners) listener(line)
  }
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', take)
  return { text: () => text, onLine: (listener) => listeners.push(listener) }
}

async function spawned(child: ChildProcess, { name }: LaunchOptions, output: Output): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) =>
      reject(new PeerStartError(name, `cannot be started (${error.message})`, output.text())),
    )
  })
}

interface Watch {
  readonly exited: Launched['exited']
  readonly output: Output
  readonly options: LaunchOptions
}

async function ready({ exited, output, options }: Watch): Promise<void> {
  const { isReady, name, readyTimeoutMs = 60_000 } = options
  if (isReady === undefined) return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new TestKitTimeoutError(`${name} was not ready (${output.text().slice(-500)})`, readyTimeoutMs)),
      readyTimeoutMs,
    )
    output.onLine((line) => {
      if (!isReady(line)) return
      clearTimeout(timer)
      resolve()
    })
    void exited.then(({ code, signal }) => {
      clearTimeout(timer)
      reject(new PeerStartError(name, `ended with ${signal ?? code} before it was ready`, output.text()))
    })
  })
}

function control(child: ChildProcess, { exited, output, options }: Watch): Launched {
  const { stopSignal = 'SIGTERM', graceMs = 3_000 } = options
  const kill9 = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  const stop = async (): Promise<void> => {
    const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    child.kill(stopSignal)
    await exited
    clearTimeout(killer)
  }
  return {
    pid: child.pid ?? 0,
    exited,
    output: output.text,
    signal: (signal) => void child.kill(signal),
    kill9,
    ...stoppable(stop),
  }
}
