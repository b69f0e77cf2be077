import type { SyncResult } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { exitCodes } from '../../exit-codes.js'
import { CHANGE_HEAD, changeRows } from '../../output/changes.js'
import { hasFault, sourceLines } from '../../output/source-lines.js'

export default class GatewaySync extends ClientCommand {
  static override summary = 'Run discovery now: the registry file and other sources.'
  static override description = 'Exit code 1 when a source could not be read or has a bad entry.'
  static override flags = {
    'dry-run': Flags.boolean({ description: 'only say what would be done' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewaySync)
    await using client = await this.connect(flags)
    const result = await client.sync({ dryRun: flags['dry-run'] || undefined })
    await this.print(flags, result, () => this.#text(flags, result))
    if (result.sources.some(hasFault)) process.exitCode = exitCodes.failed
  }

  async #text(flags: { json: boolean; 'no-color': boolean; 'dry-run': boolean }, result: SyncResult): Promise<string> {
    const { added, changed, removed, sources } = result
    const rows = changeRows({ added, changed, removed })
    const table = rows.length === 0 ? 'Nothing changed.' : await this.table(flags, CHANGE_HEAD, rows)
    const lines = sources.flatMap(sourceLines)
    return [...(flags['dry-run'] ? ['Not applied (--dry-run):'] : []), table, ...lines].join('\n')
  }
}
