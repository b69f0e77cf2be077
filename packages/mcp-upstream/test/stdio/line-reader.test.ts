import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { LineReader, OVERSIZE_HEAD_BYTES } from '../../src/stdio/line-reader.js'
import { visibleResponseId } from '../../src/stdio/visible-id.js'

interface Found {
  readonly lines: string[]
  readonly heads: string[]
}

function read(maxLineBytes: number, chunks: readonly Buffer[], encoding: BufferEncoding = 'utf8'): Found {
  const lines: string[] = []
  const heads: string[] = []
  const reader = new LineReader(maxLineBytes, {
    line: (line) => void lines.push(line.toString(encoding)),
    oversize: (head) => void heads.push(head.toString(encoding)),
  })
  for (const chunk of chunks) reader.push(chunk)
  reader.end()
  return { lines, heads }
}

/** The stream in pieces, cut at these places. */
function torn(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...cuts.map((cut) => Math.min(cut, stream.length)), stream.length].toSorted((a, b) => a - b)
  return edges.slice(1).map((end, index) => stream.subarray(edges[index], end))
}

function splitAtNewlines(stream: Buffer): Buffer[] {
  const text = stream.toString('latin1')
  return text.split('\n').map((line) => Buffer.from(line, 'latin1'))
}

/** What a reader of the whole stream finds, in hexadecimal: lines within the bound, without their line ends. */
function plainLines(stream: Buffer, bound: number): string[] {
  const kept = splitAtNewlines(stream).filter((line) => line.length <= bound)
  const bare = kept.map((line) => (line.at(-1) === 0x0d ? line.subarray(0, -1) : line))
  return bare.filter((line) => line.length > 0).map((line) => line.toString('hex'))
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes that are still held after a collection. */
function heldBytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('LineReader', () => {
  it('finds the same lines however the stream is torn', () => {
    const property = fc.property(
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\r\n]/.test(line))),
      fc.array(fc.nat(200)),
      (lines, cuts) => {
        const stream = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        expect(read(1_000_000, torn(stream, cuts)).lines).toEqual(lines)
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

  it('agrees with a plain reading of any bytes, torn anywhere, over the bound or not', () => {
    const bound = 40
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
      fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\u2028').map((end) => Buffer.from(end)),
    )
    const property = fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(2_000)), (pieces, cuts) => {
      const stream = Buffer.concat(pieces)
      const found = read(bound, torn(stream, cuts), 'hex')
      expect(found.lines).toEqual(plainLines(stream, bound))
      expect(found.heads).toHaveLength(splitAtNewlines(stream).filter((line) => line.length > bound).length)
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('shows of an oversize line what it began with, and never more than the head', () => {
    const property = fc.property(fc.integer({ min: 5_001, max: 20_000 }), fc.array(fc.nat(20_000)), (length, cuts) => {
      const line = Buffer.alloc(length, 'abcdefg')
      const { lines, heads } = read(5_000, torn(Buffer.concat([line, Buffer.from('\nnext')]), cuts), 'hex')
      expect(lines).toEqual([Buffer.from('next').toString('hex')])
      expect(heads).toEqual([line.subarray(0, OVERSIZE_HEAD_BYTES).toString('hex')])
    })
    fc.assert(property)
  })

  it('holds none of a line without end, however small its pieces', () => {
    const reader = new LineReader(1_024, { line: () => undefined, oversize: () => undefined })
    const byte = Buffer.from('x')
    const before = heldBytes()
    for (let count = 0; count < 1_000_000; count++) reader.push(byte)
    // A million Buffers would be more than 60 MB.
    expect(heldBytes() - before).toBeLessThan(16 * 1024 * 1024)
    reader.push(Buffer.from('\n'))
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
