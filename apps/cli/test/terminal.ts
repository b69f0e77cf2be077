import { type ChildProcess, spawn } from 'node:child_process'
import { ownerMark, waitFor } from '@mcp-platform/test-kit'
import { PROGRAM } from './mcpp.js'

/** A `mcpp` on a terminal of its own. */
export interface TerminalSession {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>
  /** Waits until the screen ends with `text`, then types `answer` and Enter. */
  answer(text: string, answer: string): Promise<void>
  /** Types as it is. */
  type(text: string): void
  /** Everything that was shown so far. */
  screen(): string
}

/** Runs the real binary on a pseudo-terminal, made by script(1) of util-linux, which every Debian has. */
export function startOnTerminal(args: readonly string[], env: Readonly<Record<string, string>>): TerminalSession {
  const line = [process.execPath, PROGRAM, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const { PATH = '', HOME = '' } = process.env
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm', NO_COLOR: '1', MCPP_TEST_OWNER: ownerMark(), ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    screen += text
  })
  const ended = new Promise<{ code: number | null; screen: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, screen }))
  })
  const type = (text: string): void => void child.stdin?.write(text)
  let from = 0
  const answer = async (text: string, reply: string): Promise<void> => {
    await waitFor(() => screen.indexOf(text, from) >= 0, { what: `the terminal did not show ${text}, but:\n${screen}` })
    from = screen.indexOf(text, from) + text.length
    type(`${reply}\r`)
  }
  return { child, ended, answer, type, screen: () => screen }
}
