import { describe, expect, it } from '@jest/globals'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { formatSseEvent, type SseEvent, SseParser, UpstreamAnswerTooLargeError } from '../../src/index.js'

interface Seen {
  events: { id: string | undefined; event: string | undefined; data: string }[]
  retries: number[]
}

function parse(chunks: Iterable<Buffer>, maxEventBytes = 1_000): Seen {
  const seen: Seen = { events: [], retries: [] }
  const parser = new SseParser({
    maxEventBytes,
    onEvent: (event: SseEvent) => seen.events.push({ id: event.id, event: event.event, data: event.data.toString() }),
    onRetry: (ms) => seen.retries.push(ms),
  })
  for (const chunk of chunks) parser.push(chunk)
  return seen
}

function reference(text: string): Seen {
  const seen: Seen = { events: [], retries: [] }
  const parser = createParser({
    onEvent: (event) => seen.events.push({ id: event.id, event: event.event, data: event.data }),
    onRetry: (ms) => seen.retries.push(ms),
  })
  parser.feed(text)
  return seen
}

describe('SseParser', () => {
  it('reads events, ids, types, retries and comments', () => {
    const seen = parse([
      Buffer.from(': hi\nid: 1\ndata:\nretry: 500\n\nevent: endpoint\ndata: /post?x=1\n\ndata: a\ndata: b\n\n'),
    ])
    expect(seen.events).toEqual([
      { id: '1', event: undefined, data: '' },
      { id: undefined, event: 'endpoint', data: '/post?x=1' },
      { id: undefined, event: undefined, data: 'a\nb' },
    ])
    expect(seen.retries).toEqual([500])
  })

  it('reads the same events as eventsource-parser, split anywhere', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data:',
      'data',
      'id: ',
      'id',
      'event: ',
      'retry: ',
      ':',
      ' ',
      'x',
      '7',
      'é',
      '🙂',
      '{"a":1}',
      '\n',
      '\n',
      '\n\n',
      '\r\n',
      '\r',
      'datax: ',
      'other: ',
    )
    const stream = fc.tuple(fc.boolean(), fc.array(piece, { maxLength: 40 }))
    fc.assert(
      fc.property(stream, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), ([bom, pieces], sizes) => {
        const text = pieces.join('')
        // A line break after the text settles what the reference would still hold back.
        const bytes = Buffer.from(`${bom ? '\ufeff' : ''}${text}`)
        expect(parse(inChunks(bytes, sizes))).toEqual(reference(text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('stops at an event larger than the cap, in one line or in many', () => {
    expect(() => parse([Buffer.from(`data: ${'x'.repeat(1_100)}`)])).toThrow(UpstreamAnswerTooLargeError)
    expect(() => parse([Buffer.from('data: xxxxxxxxxx\n'.repeat(200))])).toThrow(UpstreamAnswerTooLargeError)
    expect(parse([Buffer.from(`data: ${'x'.repeat(1_000)}\n\n`)]).events).toHaveLength(1)
  })

  it('reads back what formatSseEvent wrote', () => {
    const line = fc.string({ unit: 'grapheme' }).map((value) => value.replace(/[\r\n\0]/g, ''))
    const event = fc.record({
      id: line,
      event: line.filter((value) => value !== ''),
      data: fc.string({ unit: 'grapheme' }),
    })
    fc.assert(
      fc.property(event, (value) => {
        const { events } = parse([formatSseEvent(value)])
        expect(events).toEqual([{ ...value, data: value.data.replace(/\r\n|\r/g, '\n') }])
      }),
    )
  })

  it('refuses to write a field of two lines', () => {
    expect(() => formatSseEvent({ id: 'a\nb', data: '' })).toThrow(TypeError)
    expect(formatSseEvent({ id: '1', data: '', retry: 100 }).toString()).toBe('id: 1\nretry: 100\ndata: \n\n')
  })
})

function* inChunks(body: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0
  for (let turn = 0; at < body.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield body.subarray(at, at + size)
    at += size
  }
}
