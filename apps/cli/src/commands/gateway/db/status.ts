import { BaseCommand } from '../../../base-command.js'
import { databaseFlags } from '../../../database/flags.js'
import { onDatabase } from '../../../database/run.js'

const STATES = {
  empty: 'is empty: a start, or "mcpp gateway db migrate", makes the schema',
  current: 'has the schema of this version',
  pending: 'has an old schema: back it up, then run "mcpp gateway db migrate"',
  newer: 'was migrated by a newer version',
} as const

export default class GatewayDbStatus extends BaseCommand {
  static override summary = 'Say how the database stands to this version. Changes nothing.'
  static override flags = databaseFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayDbStatus)
    const status = await onDatabase(flags, (gateway, sources) => gateway.databaseStatus(sources))
    const { database, state, pending, unknown } = status
    const more = [
      ...pending.map((name) => `  to do: ${name}`),
      ...unknown.map((name) => `  newer: ${name}`),
      ...(state === 'newer' ? [`  this version ${status.usable ? 'can' : 'cannot'} work beside it`] : []),
    ]
    await this.print(flags, status, () => [`${database} ${STATES[state]}`, ...more].join('\n'))
  }
}
