import { argument } from '../../../argument.js'
import { BaseCommand } from '../../../base-command.js'
import { databaseFlags, passphraseFlag } from '../../../database/flags.js'
import { onDatabase, passphraseOf } from '../../../database/run.js'

export default class GatewayDbBackup extends BaseCommand {
  static override summary = 'Write everything that the database holds into one file, as of one moment.'
  static override description =
    `Gateways may go on meanwhile. Take one before every upgrade. Without a passphrase the file holds hashes of passwords
and keys and the settings of servers in the clear; credentials of servers are encrypted under the master key, which is not
in it: keep that apart.`
  static override args = { file: argument({ description: 'file to write', required: true }) }
  static override flags = { ...databaseFlags, ...passphraseFlag }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDbBackup)
    const passphrase = await passphraseOf(flags['passphrase-file'])
    const { version } = this.config
    const made = await onDatabase(flags, (gateway, sources) =>
      gateway.backupDatabase(sources, { file: args.file, passphrase, version }),
    )
    const rows = Object.values(made.rows).reduce((sum, count) => sum + count, 0)
    const kind = made.encrypted ? 'encrypted' : 'not encrypted'
    await this.print(flags, made, () => `Wrote ${made.file}: ${rows} rows of ${made.database}, ${kind}.`)
  }
}
