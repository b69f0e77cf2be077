import { stripVTControlCharacters } from 'node:util'

/** Between two columns. */
const GAP = 2
/** Below this a column says nothing any more; rather a line is broken by the terminal. */
const LEAST = 10

/** The first columns are names: somebody types them into the next command. */
const NAMES = 2

/**
 * How wide each column may be, so that a line fits into `maxWidth` characters: the widest one gives way until the next is as
 * wide, and so on. The first two are never cut, and the others keep what they need up to ten characters.
 */
export function columnWidths(rows: readonly (readonly string[])[], maxWidth: number): readonly number[] {
  const columns = rows[0]?.length ?? 0
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  let excess = sum(widths) + GAP * (columns - 1) - maxWidth
  while (excess > 0) {
    const widest = Math.max(...widths.slice(NAMES))
    if (widest <= LEAST) break
    widths[widths.lastIndexOf(widest)] = widest - 1
    excess -= 1
  }
  return widths
}

function widthOf(cell: string): number {
  return Math.max(
    ...stripVTControlCharacters(cell)
      .split('\n')
      .map((line) => line.length),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
