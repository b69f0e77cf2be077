import type { AuditOptions, GatewayClient } from '@mcp-platform/client'
import type { AuditEventView, AuditOutcomeName, AuditVerification } from '@mcp-platform/contract'
import { Flags } from '@oclif/core'
import { ClientCommand } from '../../client-command.js'
import { exitCodes } from '../../exit-codes.js'
import { parseSince } from '../../input/lifetime.js'
import { parseNumber } from '../../input/number.js'
import { AUDIT_HEAD, auditRow } from '../../output/identity-rows.js'

interface OutputFlags {
  readonly json: boolean
  readonly 'no-color': boolean
}

export default class GatewayAudit extends ClientCommand {
  static override summary = 'Print who did what, the newest first.'
  static override examples = [
    '<%= config.bin %> gateway audit --since 24h --user anna',
    '<%= config.bin %> gateway audit --action login --outcome denied --follow',
    '<%= config.bin %> gateway audit --verify',
  ]
  static override flags = {
    since: Flags.string({ description: 'not before: 2h, 7d ago, or an instant', helpValue: 'TIME' }),
    until: Flags.string({ description: 'before', helpValue: 'TIME' }),
    user: Flags.string({ description: 'only what this user, or principal id, did', helpValue: 'NAME' }),
    action: Flags.string({ description: 'only this action, like login or user.create', helpValue: 'NAME' }),
    outcome: Flags.string({ description: 'only this outcome', options: ['success', 'denied', 'failure'] }),
    limit: Flags.string({ char: 'n', description: 'how many', helpValue: 'COUNT', default: '50' }),
    follow: Flags.boolean({ char: 'f', description: 'go on with what is added, until interrupted' }),
    verify: Flags.boolean({ description: 'check that nothing was changed or removed; exit code 1 when something was' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(GatewayAudit)
    const now = Date.now()
    const query: AuditOptions = {
      since: flags.since === undefined ? undefined : parseSince('--since', flags.since, now),
      until: flags.until === undefined ? undefined : parseSince('--until', flags.until, now),
      actor: flags.user,
      action: flags.action,
      outcome: flags.outcome as AuditOutcomeName | undefined,
      limit: parseNumber('--limit', flags.limit, 1),
      pageSize: 500,
    }
    await using client = await this.connect(flags)
    if (flags.verify) await this.#verify(flags, client)
    else if (flags.follow) await this.#follow(flags, client, query)
    else await this.#list(flags, client, query)
  }

  async #list(flags: OutputFlags, client: GatewayClient, query: AuditOptions): Promise<void> {
    const events: AuditEventView[] = []
    for await (const event of client.audit(query)) events.push(event)
    const text = (): string | Promise<string> =>
      events.length === 0 ? 'Nothing.' : this.table(flags, AUDIT_HEAD, events.map(auditRow))
    await this.print(flags, events, text)
  }

  async #follow(flags: OutputFlags, client: GatewayClient, query: AuditOptions): Promise<void> {
    const { interruptSignal } = await import('../../local/interrupt.js')
    const { followAudit } = await import('../../local/audit-tail.js')
    const { auditLine } = await import('../../output/audit-line.js')
    using interrupt = interruptSignal()
    for await (const event of followAudit(client, query, interrupt.signal)) {
      process.stdout.write(`${flags.json ? JSON.stringify(event) : auditLine(event)}\n`)
    }
  }

  async #verify(flags: OutputFlags, client: GatewayClient): Promise<void> {
    const result = await client.verifyAudit()
    await this.print(flags, result, () => this.#verdict(flags, result))
    if (!result.ok) process.exitCode = exitCodes.failed
  }

  async #verdict(flags: OutputFlags, { ok, trails }: AuditVerification): Promise<string> {
    const own = trails.find(({ covers }) => covers === 'this_node')
    const rows = trails.map(({ trail, records, fault, node, seq, id, unverifiable }) => [
      trail,
      records,
      unverifiable,
      fault === null ? 'good' : `${fault}: record ${seq ?? '?'} of node ${node ?? '?'}${id === null ? '' : ` (${id})`}`,
    ])
    const table = await this.table(flags, ['trail', 'good records', 'key not known', 'verdict'], rows)
    const verdict = ok
      ? 'The audit trail is whole.'
      : 'The audit trail was changed: keep it, and compare with a backup.'
    if (own === undefined) return `${table}\n\n${verdict}`
    const where = `Tool calls are those of the node ${own.covered_node}; other nodes check theirs: ask each with --url.`
    return `${table}\n\n${verdict}\n${where}`
  }
}
