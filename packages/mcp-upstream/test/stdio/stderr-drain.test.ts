import { describe, expect, it } from '@jest/globals'
import { StderrDrain } from '../../src/stdio/stderr-drain.js'

function drained(now: () => number = () => 0): { drain: StderrDrain; shown: [string, number][] } {
  const shown: [string, number][] = []
  return { drain: new StderrDrain((line, dropped) => shown.push([line, dropped]), now), shown }
}

describe('StderrDrain', () => {
  it('joins torn lines and makes control characters visible', () => {
    const { drain, shown } = drained()
    drain.push(Buffer.from('\x1b[31mre'))
    drain.push(Buffer.from('d\x00\nrest'))
    drain.end()
    expect(shown).toEqual([
      ['\\x1b[31mred\\x00', 0],
      ['rest', 0],
    ])
  })

  it('shows 50 lines per second and counts the others', () => {
    let now = 0
    const { drain, shown } = drained(() => now)
    for (let n = 0; n < 60; n += 1) drain.push(Buffer.from(`line ${n}\n`))
    expect(shown).toHaveLength(50)
    expect(drain.droppedLines).toBe(10)
    now = 1_000
    drain.push(Buffer.from('later\n'))
    expect(shown.at(-1)).toEqual(['later', 10])
  })

  it('keeps the last 64 KiB and 500 lines whatever comes', () => {
    const { drain } = drained()
    for (let n = 0; n < 5_000; n += 1) drain.push(Buffer.from(`${n} ${'x'.repeat(95)}\n`))
    const tail = drain.tail()
    expect(tail).toHaveLength(500)
    expect(tail[0]).toBe(`4500 ${'x'.repeat(95)}`)
    expect(tail.at(-1)).toBe(`4999 ${'x'.repeat(95)}`)
  })

  it('keeps the end of one chunk that is larger than all it keeps', () => {
    const { drain } = drained()
    drain.push(Buffer.from(`${'a'.repeat(200_000)}\nthe end\n`))
    expect(drain.tail().at(-1)).toBe('the end')
    expect(drain.tail().join('\n').length).toBeLessThanOrEqual(64 * 1024)
  })
})
