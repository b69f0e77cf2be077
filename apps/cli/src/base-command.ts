import { Command, type Interfaces } from '@oclif/core'
import { systemCode } from './errors.js'
import { globalFlags } from './global-flags.js'
import { type Paint, painter } from './output/colour.js'
import type { CredentialKind } from './output/error-report.js'
import type { Cell } from './output/table.js'

interface GlobalValues {
  readonly json: boolean
  readonly 'no-color': boolean
}

/** What every command shares: how results and errors are printed. */
export abstract class BaseCommand extends Command {
  static override baseFlags: typeof globalFlags = globalFlags

  /** What was sent to the gateway, for the advice after a refusal. */
  protected credentialKind: CredentialKind | undefined

  /** Prints a result: with `--json` exactly the value, else what `render` makes of it. */
  protected async print(flags: GlobalValues, value: unknown, render: () => string | Promise<string>): Promise<void> {
    const text = flags.json ? JSON.stringify(value, null, 2) : await render()
    if (text !== '') process.stdout.write(`${text}\n`)
  }

  /** Prints a line for people; with `--json` nothing. */
  protected note(flags: GlobalValues, text: string): void {
    if (!flags.json) process.stdout.write(`${text}\n`)
  }

  protected warning(text: string): void {
    process.stderr.write(`Warning: ${text}\n`)
  }

  protected paint(flags: GlobalValues): Paint {
    return painter(process.stdout, process.env, flags['no-color'])
  }

  protected async table(
    flags: GlobalValues,
    head: readonly string[],
    rows: readonly (readonly Cell[])[],
  ): Promise<string> {
    const { table } = await import('./output/table.js')
    return table(head, rows, this.paint(flags), process.stdout.isTTY ? process.stdout.columns : undefined)
  }

  /** Called by oclif with whatever `run` has thrown. */
  protected override async catch(error: Interfaces.CommandError): Promise<unknown> {
    const command = (this.id ?? '').replaceAll(':', ' ')
    // `this.exit()`: nothing went wrong.
    if ('oclif' in error && systemCode(error) === 'EEXIT') return super.catch(error)
    const { reportOf, reportOfUsage } = await import('./output/error-report.js')
    const report =
      'oclif' in error
        ? reportOfUsage(error.message, command)
        : reportOf(error, { command, credentialKind: this.credentialKind })
    const { writeReport } = await import('./output/write-report.js')
    writeReport(report, error, { json: this.argv.includes('--json'), verbose: this.argv.includes('--verbose') })
    process.exitCode = report.exitCode
    return undefined
  }
}
