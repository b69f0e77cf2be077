import { BaseCommand } from '../../../base-command.js'
import { databaseFlags } from '../../../database/flags.js'
import { onDatabase } from '../../../database/run.js'

export default class GatewayDbMigrate extends BaseCommand {
  static override summary = 'Bring the database schema up to this version. Gateways may go on meanwhile.'
  static override flags = databaseFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayDbMigrate)
    const result = await onDatabase(flags, (gateway, sources) => gateway.migrateDatabase(sources))
    const { database, applied } = result
    const text = () =>
      applied.length === 0
        ? `${database} had the schema of this version already`
        : `${database} is up to date; done: ${applied.join(', ')}`
    await this.print(flags, result, text)
  }
}
