import type { Upstream } from '../contestants.ts'
import type { CredentialCosts } from '../measure/credentials.ts'
import type { Figures, Row, Summary } from './summary.ts'

/** What an upstream is called in reports. */
export const UPSTREAM_NAMES: Readonly<Record<Upstream, string>> = {
  null: 'null upstream',
  'null-stdio': 'null stdio child',
  sdk: 'real SDK server',
  'sdk-stdio': 'real SDK server as a stdio child',
}
const HEAD = ['', 'req/s', '±', 'direct', 'nginx', 'raw', 'express', 'p50 ms', 'p99 ms', 'CPU µs']

/** Above this share of foreign CPU the figures are not worth quoting. */
export const NOISY_SHARE = 0.1

/** The report for a terminal, one block per upstream and number of connections. */
export function tableOf({ rows }: Summary): string {
  return groupsOf(rows).map(blockOf).join('\n\n')
}

/** A plain word about the machine. */
export function noiseSentence(foreignShare: number): string {
  const percent = `${Math.round(foreignShare * 100)} %`
  return foreignShare > NOISY_SHARE
    ? `This machine was NOISY: others used ${percent} of it. Look at ratios only, or run again when it is quiet.`
    : `The machine was quiet: others used ${percent} of it.`
}

/** What a credential that was seen before costs each request (less than 10 µs is wanted). */
export function credentialSentence({ none, apiKey, token }: CredentialCosts): string {
  const more = (cost: number): string => `${Math.max(cost - none, 0).toFixed(1)} µs`
  return `A cached API key adds ${more(apiKey)} of CPU per request, a cached token ${more(token)} (in process, without HTTP).`
}

function groupsOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = `${row.upstream} ${row.connections}`
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()]
}

function blockOf(rows: readonly Row[]): string {
  const [first] = rows
  if (first === undefined) return ''
  const connections = `${first.connections} connection${first.connections === 1 ? '' : 's'}`
  const lines = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, column) =>
    Math.max(...lines.map((line) => (line.length > 2 ? (line[column] ?? '').length : 0))),
  )
  const name = Math.max(...lines.map(([cell = '']) => cell.length))
  const format = (line: readonly string[]): string => {
    const [label = '', ...cells] = line
    return `${label.padEnd(name)}  ${cells.map((cell, index) => cell.padStart(widths[index + 1] ?? 0)).join('  ')}`.trimEnd()
  }
  return [`${UPSTREAM_NAMES[first.upstream]}, ${connections}`, ...lines.map(format)].join('\n')
}

function cellsOf({ name, dialect, figures, error }: Row): readonly string[] {
  const label = `${name} (${dialect})`
  return figures === undefined
    ? [label, `not measured: ${(error ?? '').slice(0, 100)}`]
    : [label, ...figureCells(figures)]
}

function figureCells(figures: Figures): readonly string[] {
  const { ratioTo } = figures
  return [
    Math.round(figures.requestsPerSecond).toLocaleString('en'),
    `${Math.round(figures.spreadRatio * 100)} %`,
    ratio(ratioTo.direct),
    ratio(ratioTo.nginx),
    ratio(ratioTo['raw-proxy']),
    ratio(ratioTo['express-proxy']),
    figures.p50Ms.toFixed(2),
    figures.p99Ms.toFixed(2),
    figures.cpuMicroseconds === 0 ? '–' : String(Math.round(figures.cpuMicroseconds)),
  ]
}

function ratio(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(2)
}
