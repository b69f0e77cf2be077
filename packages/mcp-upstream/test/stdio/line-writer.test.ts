import { Writable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { LineWriter } from '../../src/stdio/line-writer.js'
import { asLine } from '../../src/stdio/lines.js'

/** A pipe that takes one chunk and then nothing until it is told to. */
function slowPipe(): { pipe: Writable; written: string[]; take(): void } {
  const written: string[] = []
  let done: (() => void) | undefined
  const pipe = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, callback) {
      written.push(String(chunk))
      done = callback
    },
  })
  return { pipe, written, take: () => done?.() }
}

describe('LineWriter', () => {
  it('counts a line that waits for the pipe as not sent, and can take it back', () => {
    const { pipe, written } = slowPipe()
    const writer = new LineWriter(pipe)
    const sent: string[] = []
    writer.write(Buffer.from('one\n'), { onWrite: () => sent.push('one') })
    const ticket = writer.write(Buffer.from('two\n'), { onWrite: () => sent.push('two') })
    expect(sent).toEqual(['one'])
    expect(ticket.withdraw()).toBe(true)
    expect(writer.queuedBytes).toBe(4)
    expect(written).toEqual(['one\n'])
  })

  it('keeps the order when the pipe drains', async () => {
    const { pipe, written, take } = slowPipe()
    const writer = new LineWriter(pipe)
    const settled = ['a', 'b', 'c'].map(
      (text) => new Promise((resolve) => writer.write(Buffer.from(text), { onSettled: resolve })),
    )
    for (const line of settled) {
      await new Promise((resolve) => setImmediate(resolve))
      take()
      await line
    }
    expect(written).toEqual(['a', 'b', 'c'])
    expect(writer.queuedBytes).toBe(0)
  })

  it('refuses what would go over its bound, before anything is sent', () => {
    const writer = new LineWriter(slowPipe().pipe, 10)
    writer.write(Buffer.alloc(10))
    expect(() => writer.write(Buffer.from('x'))).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_BUSY', sent: false }),
    )
  })

  it('settles everything when the child is gone, without waiting for a drain that never comes', () => {
    const { pipe } = slowPipe()
    const writer = new LineWriter(pipe)
    const gone = new Error('gone')
    const failures: unknown[] = []
    for (const line of ['one', 'two']) {
      writer.write(Buffer.from(line), { onSettled: (error) => failures.push(error) })
    }
    writer.close(gone)
    writer.write(Buffer.from('three'), { onSettled: (error) => failures.push(error) })
    expect(failures).toEqual([gone, gone, gone])
  })
})

describe('asLine', () => {
  it('makes one line of pretty-printed JSON without touching its strings', () => {
    const line = asLine(Buffer.from('{\r\n  "a": "x\\ny"\n}')).toString()
    expect(line).toBe('{    "a": "x\\ny" }\n')
  })
})
