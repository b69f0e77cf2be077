import { describe, expect, it } from '@jest/globals'
import { columnWidths } from '../src/output/column-widths.js'
import { table } from '../src/output/table.js'

const ROWS = [
  ['TOOL', 'ARGUMENTS', 'DESCRIPTION', 'SOURCE'],
  ['a-name-that-is-typed-again', 'path', 'd'.repeat(60), 's'.repeat(30)],
]

describe('columnWidths', () => {
  it('gives every column what it needs where nothing limits the line', () => {
    expect(columnWidths(ROWS, Number.POSITIVE_INFINITY)).toEqual([26, 9, 60, 30])
  })

  it('takes from the widest column, then from both', () => {
    expect(columnWidths(ROWS, 111)).toEqual([26, 9, 40, 30])
    expect(columnWidths(ROWS, 81)).toEqual([26, 9, 20, 20])
  })

  it('never cuts names, nor anything below ten characters', () => {
    expect(columnWidths(ROWS, 20)).toEqual([26, 9, 10, 10])
    expect(columnWidths([['A', 'B', 'C']], 1)).toEqual([1, 1, 1])
  })

  it('does not count colours', () => {
    expect(columnWidths([['\u001b[1mBOLD\u001b[22m']], 80)).toEqual([4])
  })
})

describe('table', () => {
  const plain = (_: unknown, text: string): string => text

  it('ends its lines where the terminal ends', () => {
    const lines = table(['tool', 'arguments', 'description'], [['read', 'path', 'x'.repeat(200)]], plain, 60).split(
      '\n',
    )
    expect(lines[1]).toMatch(/^read {2}path {7}x+…$/)
    expect(lines.map((line) => line.length)).toEqual([28, 60])
  })

  it('cuts nothing in a pipe', () => {
    expect(table(['tool'], [['x'.repeat(200)]], plain)).toBe(`TOOL\n${'x'.repeat(200)}`)
  })
})
