import { type ChildProcess, spawn } from 'node:child_process'
import { ownerMark, waitFor } from '@mcp-platform/test-kit'
import { PROGRAM } from './mcpp.js'

/** A `mcpp` on a terminal of its own. */
export interface TerminalSession extends AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly screen: string }>
  /** Waits until the screen ends with `text`, then types `answer` and Enter. */
  answer(text: string, answer: string): Promise<void>
  /** Types as it is. What comes in one piece is taken as pasted: a Tab in it completes nothing. */
  type(text: string): void
  /** Waits until something new on the screen is `text`. */
  shows(text: string): Promise<void>
  /** Everything that was shown so far. */
  screen(): string
}

/** Runs the real binary on a pseudo-terminal, made by script(1) of util-linux, which every Debian has. */
export function startOnTerminal(args: readonly string[], env: Readonly<Record<string, string>>): TerminalSession {
  const line = [process.execPath, PROGRAM, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const { PATH = '', HOME = '' } = process.env
  // exec: a shell between would end with 130 itself at Ctrl-C.
  const child = spawn('script', ['-qfec', `exec ${line}`, '/dev/null'], {
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
  const shows = async (text: string): Promise<void> => {
    try {
      await waitFor(() => screen.indexOf(text, from) >= 0, { what: 'the text did not come' })
    } catch (cause) {
      throw new Error(`the terminal does not show ${JSON.stringify(text)}, but:\n${screen}`, { cause })
    }
    from = screen.indexOf(text, from) + text.length
  }
  const answer = async (text: string, reply: string): Promise<void> => {
    await shows(text)
    type(`${reply}\r`)
  }
  const dispose = async (): Promise<void> => {
    // script(1) hangs up the terminal, which ends what runs on it.
    child.kill('SIGTERM')
    await ended
  }
  return { child, ended, answer, type, shows, screen: () => screen, [Symbol.asyncDispose]: dispose }
}
