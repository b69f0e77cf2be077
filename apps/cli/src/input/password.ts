import { Flags } from '@oclif/core'
import { usageError } from '../errors.js'
import { readStdin } from './read-input.js'
import { askSecret, isInteractive } from './terminal.js'

/** Flags of every command that takes a password. */
export const passwordFlags = {
  password: Flags.string({
    description: 'the password; others on this machine may see it while the command runs',
    helpValue: 'PASSWORD',
    exclusive: ['password-stdin'],
  }),
  'password-stdin': Flags.boolean({ description: 'read the password from standard input' }),
}

interface PasswordFlags {
  readonly password?: string | undefined
  readonly 'password-stdin': boolean
}

/** How the password is asked for. */
export interface PasswordQuestion {
  readonly text: string
  /** A new one is asked for twice. */
  readonly isNew: boolean
  readonly warn: (text: string) => void
}

/** The password of a flag, of standard input, or asked for on a terminal. @throws CliError (usage) */
export async function takePassword(flags: PasswordFlags, question: PasswordQuestion): Promise<string> {
  if (flags.password !== undefined) {
    if (!isInteractive()) question.warn('--password can be seen by others on this machine; use --password-stdin')
    return flags.password
  }
  if (flags['password-stdin']) return firstLine(await readStdin())
  if (!isInteractive()) throw usageError('Give the password on standard input, with --password-stdin.')
  return question.isNew ? askTwice(question.text) : askSecret(`${question.text}: `)
}

/** The lines of standard input, for a command that takes several passwords. */
export async function passwordLines(): Promise<string[]> {
  return (await readStdin()).replace(/\r?\n$/, '').split(/\r?\n/)
}

/** Asks for a new secret until both answers are the same. */
async function askTwice(text: string): Promise<string> {
  for (;;) {
    const first = await askSecret(`${text}: `)
    if (first === (await askSecret(`${text}, again: `))) return first
    process.stderr.write('These were not the same. Once more.\n')
  }
}

// Spaces may belong to a password; the line break that `echo` adds does not.
function firstLine(text: string): string {
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw usageError('There is no password on standard input.')
  return line
}
