import type { ImportResult } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { passphraseFlag } from '../../database/flags.js'
import { readImported } from '../../input/imported.js'
import { CHANGE_HEAD, changeRows } from '../../output/changes.js'

export default class GatewayImport extends ClientCommand {
  static override summary = 'Import a registry file, mcp.json, server.json or an export: whole, or not at all.'
  static override args = {
    file: argument({ description: 'JSON or YAML file; - for standard input', required: true }),
  }
  static override flags = {
    ...passphraseFlag,
    'dry-run': Flags.boolean({ description: 'only say what would be done' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayImport)
    const document = await readImported(args.file, flags['passphrase-file'])
    await using client = await this.connect(flags)
    const result = await client.import(document, { dryRun: flags['dry-run'] || undefined })
    await this.print(flags, result, () => this.#text(flags, result))
  }

  async #text(
    flags: { json: boolean; 'no-color': boolean; 'dry-run': boolean },
    result: ImportResult,
  ): Promise<string> {
    const { added, changed, unchanged } = result
    const rows = changeRows({ added, changed, unchanged })
    const table = rows.length === 0 ? 'The document names no instance.' : await this.table(flags, CHANGE_HEAD, rows)
    const text = [table, ...usersText(result)].join('\n')
    return flags['dry-run'] ? `Not applied (--dry-run):\n${text}` : text
  }
}

function usersText({ users }: ImportResult): string[] {
  if (users === undefined) return []
  const added = users.added.length === 0 ? [] : [`Users added: ${users.added.join(', ')}.`]
  const unchanged = users.unchanged.length === 0 ? [] : [`Users that were there: ${users.unchanged.join(', ')}.`]
  return [...added, ...unchanged]
}
