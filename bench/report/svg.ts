import type { Row, Summary } from './summary.ts'
import { UPSTREAM_NAMES } from './table.ts'

const BAR_HEIGHT = 18
const LABEL_WIDTH = 210
const BARS_WIDTH = 460
const WIDTH = LABEL_WIDTH + BARS_WIDTH + 120

/** Throughput as bars, one panel per upstream and number of connections; plain SVG that any viewer shows. */
export function svgOf({ rows }: Summary): string {
  const panels = [...new Set(rows.map(panelKey))].map((key) => rows.filter((row) => panelKey(row) === key))
  let top = 0
  const drawn = panels.map((panel) => {
    const from = top
    top += 34 + panel.length * (BAR_HEIGHT + 4) + 12
    return panelOf(panel, from)
  })
  const style =
    'text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600}.b{fill:#4c78a8}.g{fill:#e4572e}.d{fill:#bbb}'
  const size = `width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${drawn.join('')}</svg>\n`
}

function panelKey({ upstream, connections }: Row): string {
  return `${UPSTREAM_NAMES[upstream]}, ${connections} connections`
}

function panelOf(rows: readonly Row[], top: number): string {
  const [first] = rows
  const fastest = Math.max(...rows.map(({ figures }) => figures?.requestsPerSecond ?? 0), 1)
  const title = `<text class="t" x="8" y="${top + 20}">${first === undefined ? '' : panelKey(first)} (requests per second)</text>`
  return title + rows.map((row, index) => barOf(row, top + 34 + index * (BAR_HEIGHT + 4), fastest)).join('')
}

function barOf({ name, dialect, figures }: Row, y: number, fastest: number): string {
  const rate = figures?.requestsPerSecond ?? 0
  const width = Math.round((rate / fastest) * BARS_WIDTH)
  const kind = name === 'direct' ? 'd' : name.startsWith('gateway') ? 'g' : 'b'
  const value = figures === undefined ? 'not measured' : Math.round(rate).toLocaleString('en')
  const base = y + BAR_HEIGHT - 5
  return (
    `<text x="8" y="${base}">${escaped(`${name} (${dialect})`)}</text>` +
    `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}"/>` +
    `<text x="${LABEL_WIDTH + width + 6}" y="${base}">${value}</text>`
  )
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
