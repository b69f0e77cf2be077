import { argument } from '../../argument.js'
import { ClientCommand } from '../../client-command.js'
import { paintStatus } from '../../output/colour.js'
import { printable } from '../../output/printable.js'
import type { Cell } from '../../output/table.js'

const HEAD = ['instance', 'picked', 'status', 'circuit', 'weight', 'share', 'in flight', 'latency ms', 'score', 'why']

export default class GatewayExplain extends ClientCommand {
  static override summary = 'Say which instance a call would go to now, and why not to the others.'
  static override args = { template: argument({ description: 'name of the template', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(GatewayExplain)
    await using client = await this.connect(flags)
    const view = await client.explain(args.template)
    const paint = this.paint(flags)
    const rows = view.instances.map((one): Cell[] => [
      one.instance_id,
      one.picked ? 'yes' : 'no',
      { painted: paintStatus(paint, one.status) },
      one.circuit,
      one.weight,
      one.share,
      `${one.in_flight}/${one.max_in_flight}`,
      one.latency_ms,
      one.score,
      one.reason,
    ])
    await this.print(flags, view, async () => {
      const table = rows.length === 0 ? [] : [await this.table(flags, HEAD, rows)]
      return [printable(`${view.template} (${view.strategy}): ${view.reason}`), ...table].join('\n\n')
    })
  }
}
