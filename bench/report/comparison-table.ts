import type { Comparison, ComparisonRow } from './comparison.ts'

const HEAD = ['', 'req/s', '±', 'p50 ms', 'p99 ms', 'CPU µs', 'gateway / it', 'lowest–highest', 'its CPU / gateway']

/** The comparisons as Markdown tables, which a terminal shows as well. */
export function comparisonTables(comparisons: readonly Comparison[]): string {
  return comparisons
    .map(({ title, rows }) => [`**${title}**`, '', ...tableOf(rows), ...reasons(rows)].join('\n'))
    .join('\n\n')
}

function tableOf(rows: readonly ComparisonRow[]): readonly string[] {
  const lines = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  const [head = '', ...body] = lines.map(format)
  return [head, rule, ...body]
}

function cellsOf({ name, timings, gateway }: ComparisonRow): readonly string[] {
  if (timings === undefined) return [name, 'not measured', ...Array.from({ length: HEAD.length - 2 }, () => '–')]
  return [
    name,
    Math.round(timings.requestsPerSecond).toLocaleString('en'),
    `${Math.round(timings.spreadRatio * 100)} %`,
    timings.p50Ms.toFixed(2),
    timings.p99Ms.toFixed(2),
    timings.cpuMicroseconds === 0 ? '–' : Math.round(timings.cpuMicroseconds).toLocaleString('en'),
    gateway === undefined ? '–' : times(gateway.times.median),
    gateway === undefined ? '–' : `${times(gateway.times.low)}–${times(gateway.times.high)}`,
    gateway?.cpuTimes === undefined ? '–' : times(gateway.cpuTimes),
  ]
}

/** Two digits that mean something, and no more. */
function times(value: number): string {
  return value >= 10 ? Math.round(value).toLocaleString('en') : value >= 1 ? value.toFixed(1) : value.toFixed(2)
}

function reasons(rows: readonly ComparisonRow[]): readonly string[] {
  const lines = rows.flatMap(({ name, error }) =>
    error === undefined ? [] : [`- \`${name}\` was not measured: ${error.replaceAll(/\s+/g, ' ')}`],
  )
  return lines.length === 0 ? [] : ['', ...lines]
}
