import Table from 'cli-table3'
import type { Paint } from './colour.js'
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

/** Columns without lines: easy to read, easy to cut. Absent values are `-`. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const drawn = new Table({
    head: head.map((title) => paint('bold', title.toUpperCase())),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) drawn.push(row.map(cellText))
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
