import { describe, expect, it } from '@jest/globals'
import { EventLog, type EventReader } from '../src/index.js'

function reader(): EventReader & { seen: string[]; isEnded: boolean } {
  const seen: string[] = []
  return {
    seen,
    isEnded: false,
    event(id, data) {
      seen.push(`${id}=${data}`)
    },
    end() {
      this.isEnded = true
    },
  }
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('an event log', () => {
  it('hands events on as they come, with ids that name the stream', async () => {
    const log = new EventLog('c1')
    const live = reader()
    await log.attach(live, 0)
    void log.append(bytes('a'))
    void log.append(bytes('b'))
    expect(live.seen).toEqual(['c1.1=a', 'c1.2=b'])
  })

  it('replays what came after the last event that was seen, then goes on live', async () => {
    const log = new EventLog('s')
    for (const text of ['a', 'b', 'c']) void log.append(bytes(text))
    const late = reader()
    expect(await log.attach(late, 1)).toBe(true)
    void log.append(bytes('d'))
    expect(late.seen).toEqual(['s.2=b', 's.3=c', 's.4=d'])
  })

  it('refuses a reader from before the events that it has dropped', async () => {
    const log = new EventLog('s')
    for (let event = 0; event < 300; event++) void log.append(bytes('x'))
    expect(log.reaches(43)).toBe(false)
    expect(log.reaches(44)).toBe(true)
    expect(await log.attach(reader(), 0)).toBe(false)
  })

  it('keeps a megabyte at most, but always the newest event', () => {
    const log = new EventLog('s')
    for (let event = 0; event < 4; event++) void log.append(Buffer.alloc(700 * 1024))
    expect(log.bytes).toBe(700 * 1024)
    expect(log.reaches(3)).toBe(true)
  })

  it('ends a reader that is replaced, and gives the new one what follows', async () => {
    const log = new EventLog('s')
    const first = reader()
    const second = reader()
    await log.attach(first, 0)
    await log.attach(second, 0)
    void log.append(bytes('a'))
    expect([first.isEnded, first.seen, second.seen]).toEqual([true, [], ['s.1=a']])
  })

  it('can be read to its end after it has ended', async () => {
    const log = new EventLog('c1')
    void log.append(bytes('a'))
    log.end()
    void log.append(bytes('too late'))
    expect(log.readToEnd).toBe(false)
    const late = reader()
    await log.attach(late, 0)
    expect([late.seen, late.isEnded, log.readToEnd]).toEqual([['c1.1=a'], true, true])
  })

  it('gives back the back pressure of its reader', async () => {
    const log = new EventLog('s')
    const { promise, resolve } = Promise.withResolvers<void>()
    await log.attach({ event: () => promise, end: () => undefined }, 0)
    const taken = log.append(bytes('a'))
    expect(taken).toBeInstanceOf(Promise)
    resolve()
    await taken
  })

  it('hands over in order what comes while a slow reader is catching up, and ends it after the last event', async () => {
    const log = new EventLog('s')
    const seen: string[] = []
    const pauses: (() => void)[] = []
    let isEnded = false
    for (const text of ['a', 'b']) void log.append(bytes(text))
    const attached = log.attach(
      {
        event(id, data) {
          seen.push(`${id}=${data}`)
          return new Promise((resolve) => pauses.push(resolve))
        },
        end: () => {
          isEnded = true
        },
      },
      0,
    )
    const pressure = log.append(bytes('c'))
    log.end()
    for (let step = 0; step < 3; step++) {
      expect([seen.length, isEnded]).toEqual([step + 1, false])
      pauses[step]?.()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await pressure
    expect([await attached, seen, isEnded]).toEqual([true, ['s.1=a', 's.2=b', 's.3=c'], true])
  })
})
