import { type ExitCode, exitCodes } from './exit-codes.js'

/** A failure that the command line itself notices. `message` is one sentence, `next` the command to type. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly exitCode: ExitCode
  readonly next: string | undefined

  constructor(
    code: string,
    message: string,
    facts: {
      readonly exitCode?: ExitCode | undefined
      readonly next?: string | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.exitCode = facts.exitCode ?? exitCodes.failed
    this.next = facts.next
  }
}

/** Wrong usage: exit code 2. */
export function usageError(message: string, next?: string): CliError {
  return new CliError('CLI_USAGE', message, { exitCode: exitCodes.usage, next })
}

/** The system's code of an error (`ENOENT`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
