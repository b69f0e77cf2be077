import { Flags } from '@oclif/core'
import { argument } from '../../../argument.js'
import { BaseCommand } from '../../../base-command.js'
import { databaseFlags, passphraseFlag } from '../../../database/flags.js'
import { onDatabase, passphraseOf } from '../../../database/run.js'

export default class GatewayDbRestore extends BaseCommand {
  static override summary = 'Put a backup into the database: all of it, or nothing.'
  static override description =
    `The backup may be of another kind of database and of an older version. Gateways that run take it over by themselves.
What was revoked after the backup was made is valid again: rotate those keys.`
  static override args = { file: argument({ description: 'file of "gateway db backup"', required: true }) }
  static override flags = {
    ...databaseFlags,
    ...passphraseFlag,
    replace: Flags.boolean({ description: 'also when the database is not empty: what it holds is gone' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayDbRestore)
    const passphrase = await passphraseOf(flags['passphrase-file'])
    const restored = await onDatabase(flags, (gateway, sources) =>
      gateway.restoreDatabase(sources, { file: args.file, passphrase, replace: flags.replace }),
    )
    const rows = Object.values(restored.rows).reduce((sum, count) => sum + count, 0)
    const text = () => `${restored.database} is as it was at ${restored.created_at}: ${rows} rows.`
    await this.print(flags, restored, text)
  }
}
