import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CliError } from '../errors.js'

/** True when somebody sits in front of it: questions can be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks for a secret: what is typed is not shown. @throws CliError when it is interrupted */
export async function askSecret(question: string): Promise<string> {
  try {
    return await readAnswer(question, new Writable({ write: (_chunk, _encoding, done) => done() }))
  } finally {
    process.stderr.write('\n')
  }
}

/** Asks for yes or no; anything but yes is no. */
export async function confirmed(question: string): Promise<boolean> {
  const answer = await readAnswer(`${question} [y/N] `, process.stderr)
  return /^y(es)?$/i.test(answer.trim())
}

/** @param echo where what is typed is shown */
async function readAnswer(question: string, echo: NodeJS.WritableStream): Promise<string> {
  const prompt = createInterface({ input: process.stdin, output: echo, terminal: true, historySize: 0 })
  const gone = new AbortController()
  prompt.once('SIGINT', () => gone.abort())
  prompt.once('close', () => gone.abort())
  // To stderr: stdout is for the result. And only now: before, the terminal itself shows what is typed.
  process.stderr.write(question)
  try {
    return await prompt.question('', { signal: gone.signal })
  } catch (error) {
    if (gone.signal.aborted) throw new CliError('CLI_INTERRUPTED', 'Nothing was done: the question was not answered.')
    throw error
  } finally {
    prompt.close()
  }
}
