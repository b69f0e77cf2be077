import Table from 'cli-table3'
import type { Paint } from './colour.js'
import { columnWidths } from './column-widths.js'
import { printable } from './printable.js'

/** A cell: text is made safe for the terminal; `{ painted }` is ours and stays as it is. */
export type Cell = string | number | boolean | null | undefined | { readonly painted: string }

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/**
 * Columns without lines: easy to read, easy to cut. Absent values are `-`.
 * @param maxWidth where the lines end, in characters: the widest columns give way. @default nothing is cut
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
  maxWidth: number = Number.POSITIVE_INFINITY,
): string {
  const titles = head.map((title) => title.toUpperCase())
  const texts = rows.map((row) => row.map(cellText))
  const drawn = new Table({
    head: titles.map((title) => paint('bold', title)),
    colWidths: [...columnWidths([titles, ...texts], maxWidth)],
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of texts) drawn.push(row)
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '-'
  if (typeof cell === 'object') return cell.painted
  return printable(String(cell))
}
