import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** How a command is run from the prompt. */
export interface CommandRun {
  readonly argv: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** False: its standard input is empty; what is piped in are the lines of the prompt. */
  readonly mayAsk: boolean
}

/**
 * Runs a command in a process of its own: whatever becomes of it, the prompt stays. Ctrl-C on a terminal reaches the command
 * and not the prompt. Resolves with its exit code, 130 when a signal has ended it.
 */
export async function runCommand({ argv, env, mayAsk }: CommandRun): Promise<number> {
  const ignore = (): void => undefined
  process.on('SIGINT', ignore)
  try {
    return await new Promise<number>((resolve, reject) => {
      const stdio = [mayAsk ? 'inherit' : 'ignore', 'inherit', 'inherit'] as const
      const child = spawn(process.execPath, [PROGRAM, ...argv], { env, stdio: [...stdio] })
      child.once('error', reject)
      child.once('exit', (code) => resolve(code ?? 130))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}
