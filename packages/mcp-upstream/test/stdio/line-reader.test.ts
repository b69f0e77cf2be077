import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LineReader } from '../../src/stdio/line-reader.js'
import { visibleResponseId } from '../../src/stdio/visible-id.js'

function read(maxLineBytes: number, chunks: readonly Buffer[]): { lines: string[]; heads: string[] } {
  const lines: string[] = []
  const heads: string[] = []
  const reader = new LineReader(maxLineBytes, {
    line: (line) => void lines.push(line.toString()),
    oversize: (head) => void heads.push(head.toString()),
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return { lines, heads }
}

describe('LineReader', () => {
  it('finds the same lines however the stream is torn', () => {
    const property = fc.property(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\r\n]/.test(line))),
      fc.array(fc.nat(200)),
      (lines, cuts) => {
        const stream = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const edges = [0, ...cuts.map((cut) => Math.min(cut, stream.length)), stream.length].toSorted((a, b) => a - b)
        const chunks = edges.slice(1).map((end, index) => stream.subarray(edges[index], end))
        expect(read(1_000_000, chunks).lines).toEqual(lines)
      },
    )
    fc.assert(property)
  })

  it('accepts CRLF, skips empty lines and takes an unfinished last line', () => {
    expect(read(100, [Buffer.from('one\r\n\r\n\ntwo')]).lines).toEqual(['one', 'two'])
  })

  it('throws an oversize line away to its newline and goes on with the next', () => {
    const chunks = [Buffer.from('12345'), Buffer.from('678901'), Buffer.from('2345\nnext\n')]
    expect(read(10, chunks)).toEqual({ lines: ['next'], heads: ['12345678901'] })
  })

  it('accepts a line of exactly the bound', () => {
    expect(read(5, [Buffer.from('12345\n')])).toEqual({ lines: ['12345'], heads: [] })
  })
})

describe('visibleResponseId', () => {
  const idIn = (text: string): number | undefined => visibleResponseId(Buffer.from(text))

  it('sees the id of the outermost object only', () => {
    expect(idIn('{"jsonrpc":"2.0","id":7,"result":{')).toBe(7)
    expect(idIn('{"id":"8","result":{')).toBe(8)
    expect(idIn('{"result":{"id":3},"items":[{"id":4}],')).toBeUndefined()
    expect(idIn('{"note":"\\"id\\":5","other":"id","x":{"id":6}')).toBeUndefined()
  })

  it('does not trust digits that may be cut off', () => {
    expect(idIn('{"id":12')).toBeUndefined()
  })

  it('does not take a request of the server for a response', () => {
    expect(idIn('{"method":"ping","id":7,')).toBeUndefined()
  })
})
