import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ownerMark } from '@mcp-platform/test-kit'

/** The program, as it is installed. */
export const PROGRAM: string = fileURLToPath(new URL('../bin/run.js', import.meta.url))

/** How one run ended. */
export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Added to a small environment: nothing of the developer's own settings gets in. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly input?: string | undefined
  readonly cwd?: string | undefined
}

/** A `mcpp` that still runs. */
export interface RunningMcpp {
  readonly child: ChildProcess
  readonly ended: Promise<Run>
  /** What it has written to stdout so far. */
  stdout(): string
}

/** Starts the real binary. */
export function startMcpp(args: readonly string[], { env = {}, input, cwd }: RunOptions = {}): RunningMcpp {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd,
    env: { PATH, HOME, MCPP_TEST_OWNER: ownerMark(), ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  if (input !== undefined) child.stdin?.end(input)
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...texts }))
  })
  return { child, ended, stdout: () => texts.stdout }
}

/** Runs the real binary to its end. */
export function mcpp(args: readonly string[], options?: RunOptions): Promise<Run> {
  return startMcpp(args, options).ended
}
