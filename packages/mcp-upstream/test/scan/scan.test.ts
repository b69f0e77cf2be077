import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { EnvelopeError, ReplyScanner, type Span, scanEnvelope, scanReply, splitBatch } from '../../src/index.js'

const request = (members: string): Buffer => Buffer.from(`{"jsonrpc":"2.0",${members}}`)
const text = (body: Buffer, span: Span | undefined): string | undefined =>
  span === undefined ? undefined : body.subarray(span.start, span.end).toString()

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof EnvelopeError) return error.code
    throw error
  }
  return 'accepted'
}

describe('scanEnvelope', () => {
  it('finds every member that decides about a call', () => {
    const body = request(
      '"id":"a\\"b","method":"tools/call","params":{"name":"read\\u005ffile","arguments":{"id":1,"method":"x","name":"inner"},' +
        '"_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"requestState":"s","uri":"u:1","taskId":"t","cursor":"c","inputResponses":{}}',
    )
    const envelope = scanEnvelope(body)
    expect(envelope).toMatchObject({
      kind: 'request',
      method: 'tools/call',
      name: 'read_file',
      uri: 'u:1',
      taskId: 't',
      cursor: 'c',
      requestState: 's',
      hasInputResponses: true,
      protocolVersion: '2026-07-28',
    })
    expect(text(body, envelope.id)).toBe('"a\\"b"')
    expect(text(body, envelope.nameSpan)).toBe('"read\\u005ffile"')
    expect(text(body, envelope.arguments)).toBe('{"id":1,"method":"x","name":"inner"}')
    expect(text(body, envelope.progressToken)).toBe('7')
    expect(text(body, envelope.cursorSpan)).toBe('"c"')
  })

  it('tells requests, notifications and responses apart', () => {
    expect(scanEnvelope(request('"id":1,"method":"ping"')).kind).toBe('request')
    expect(scanEnvelope(request('"method":"notifications/initialized"')).kind).toBe('notification')
    expect(scanEnvelope(request('"id":1,"result":{}')).kind).toBe('response')
    expect(scanEnvelope(request('"id":1,"error":{"code":1,"message":""}')).kind).toBe('response')
  })

  it.each([
    ['null id', '"id":null,"method":"ping"'],
    ['fractional id', '"id":1.5,"method":"ping"'],
    ['exponent id', '"id":1e3,"method":"ping"'],
    ['object id', '"id":{},"method":"ping"'],
    ['array params', '"id":1,"method":"ping","params":[]'],
    ['number method', '"id":1,"method":7'],
    ['method and result', '"id":1,"method":"ping","result":{}'],
    ['result and error', '"id":1,"result":{},"error":{}'],
    ['nothing', '"id":1'],
    ['duplicate method', '"id":1,"method":"ping","method":"tools/call"'],
    ['escaped duplicate', '"id":1,"method":"ping","m\\u0065thod":"tools/call"'],
    ['case variant', '"id":1,"method":"ping","Method":"tools/call"'],
    ['folded variant (U+017F)', '"id":1,"method":"ping","param\u017f":{}'],
    ['folded variant, escaped', '"id":1,"method":"ping","param\\u017f":{}'],
    ['variant of a name', '"id":1,"method":"tools/call","params":{"name":"a","Name":"b"}'],
    ['variant alone', '"id":1,"method":"tools/call","params":{"NAME":"b"}'],
    ['folded variant (U+212A)', '"id":1,"method":"tasks/get","params":{"tas\u212aId":"b"}'],
    ['duplicate arguments', '"id":1,"method":"tools/call","params":{"name":"a","arguments":{},"arguments":{}}'],
    ['duplicate version', '"id":1,"method":"x","params":{"_meta":{"progressToken":1,"progressToken":2}}'],
  ])('refuses %s as invalid', (_, members) => {
    expect(codeOf(() => scanEnvelope(request(members)))).toBe('ENVELOPE_INVALID')
  })

  it('refuses another jsonrpc version and a batch as invalid', () => {
    expect(codeOf(() => scanEnvelope(Buffer.from('{"jsonrpc":"1.0","id":1,"method":"ping"}')))).toBe('ENVELOPE_INVALID')
    expect(codeOf(() => scanEnvelope(Buffer.from('{"id":1,"method":"ping"}')))).toBe('ENVELOPE_INVALID')
    expect(codeOf(() => scanEnvelope(Buffer.from('[{"jsonrpc":"2.0","id":1,"method":"ping"}]')))).toBe(
      'ENVELOPE_INVALID',
    )
    expect(codeOf(() => scanEnvelope(Buffer.from('7')))).toBe('ENVELOPE_INVALID')
  })

  it.each([
    ['nothing', ''],
    ['an open object', '{"jsonrpc":"2.0"'],
    ['a trailing comma', '{"jsonrpc":"2.0",}'],
    ['a byte after the end', '{"jsonrpc":"2.0","method":"a"}x'],
    ['a control character', '{"jsonrpc":"2.0","method":"a\nb"}'],
    ['a bad escape', '{"jsonrpc":"2.0","method":"\\x"}'],
    ['a short unicode escape', '{"jsonrpc":"2.0","method":"\\u12"}'],
    ['a leading zero', '{"jsonrpc":"2.0","id":01}'],
    ['a bare point', '{"jsonrpc":"2.0","id":1.}'],
    ['a plus', '{"jsonrpc":"2.0","id":+1}'],
    ['a literal of another language', '{"jsonrpc":"2.0","id":NaN}'],
    ['a half literal', '{"jsonrpc":"2.0","id":nul}'],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0","method":"a"}'],
    ['mixed brackets', '{"jsonrpc":"2.0","params":[}]'],
  ])('refuses %s as unparsable', (_, json) => {
    expect(codeOf(() => scanEnvelope(Buffer.from(json)))).toBe('ENVELOPE_PARSE')
  })

  it('refuses bytes that are not UTF-8', () => {
    const body = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","method":"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ])
    expect(codeOf(() => scanEnvelope(body))).toBe('ENVELOPE_PARSE')
  })

  it('accepts a nesting of 64 and refuses 65', () => {
    const nested = (depth: number): Buffer =>
      request(`"method":"a","params":{"x":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}`)
    expect(codeOf(() => scanEnvelope(nested(64)))).toBe('accepted')
    expect(codeOf(() => scanEnvelope(nested(65)))).toBe('ENVELOPE_TOO_DEEP')
  })

  it('accepts and refuses the same texts as JSON.parse', () => {
    const mangled = fc
      .tuple(
        fc.json({ maxDepth: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\0e.-tn\u0001é ')), { maxLength: 3 }),
      )
      .map(([json, edits]) => edits.reduce((now, [at, char]) => spoil(now, at, char), json))
    fc.assert(
      fc.property(mangled, (json) => {
        // Of a message itself a member in other letters may be seen before the byte that is no JSON, as in {"ID"{; inside a list not.
        expect(codeOf(() => scanEnvelope(Buffer.from(json)))).toMatch(parses(json) ? /INVALID/ : /INVALID|PARSE/)
        const list = `[${json}]`
        expect(codeOf(() => scanEnvelope(Buffer.from(list)))).toMatch(parses(list) ? /INVALID/ : /PARSE/)
      }),
      { numRuns: 3_000 },
    )
  })

  it('points at the values that JSON.parse finds', () => {
    const message = fc.record({
      jsonrpc: fc.constant('2.0'),
      id: fc.oneof(fc.integer(), fc.string({ unit: 'grapheme' })),
      method: fc.string({ unit: 'grapheme' }),
      params: fc.record(
        {
          name: fc.string({ unit: 'binary' }),
          uri: fc.webUrl(),
          arguments: fc.jsonValue(),
          _meta: fc.record({ progressToken: fc.oneof(fc.integer(), fc.string()) }),
          other: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    })
    fc.assert(
      fc.property(message, fc.nat(4), (value, indent) => {
        const body = Buffer.from(JSON.stringify(value, null, indent))
        const found = scanEnvelope(body)
        const parsed = JSON.parse(body.toString()) as typeof value
        const at = (span: Span | undefined): unknown =>
          span === undefined ? undefined : JSON.parse(text(body, span) ?? '')
        expect(at(found.id)).toEqual(parsed.id)
        expect(found.method).toBe(parsed.method)
        expect(at(found.params)).toEqual(parsed.params)
        expect(found.name).toBe(parsed.params.name)
        expect(at(found.nameSpan)).toBe(parsed.params.name)
        expect(found.uri).toBe(parsed.params.uri)
        expect(at(found.arguments)).toEqual(parsed.params.arguments)
        expect(at(found.meta)).toEqual(parsed.params._meta)
        expect(at(found.progressToken)).toEqual(parsed.params._meta?.progressToken)
      }),
      { numRuns: 500 },
    )
  })
})

describe('scanReply', () => {
  it('finds id, result and error, and the token of progress', () => {
    const result = request('"id":3,"result":{"id":9}')
    expect(text(result, scanReply(result).id)).toBe('3')
    expect(text(result, scanReply(result).result)).toBe('{"id":9}')
    const progress = request('"method":"notifications/progress","params":{"progressToken":"p","progress":1}')
    expect(text(progress, scanReply(progress).progressToken)).toBe('"p"')
    expect(scanReply(request('"id":null,"error":{"code":-32700,"message":""}')).id).toBeUndefined()
    expect(scanReply(request('"error":{"code":-32700,"message":""}')).id).toBeUndefined()
  })

  it('refuses a result without an id', () => {
    expect(codeOf(() => scanReply(request('"result":{}')))).toBe('ENVELOPE_INVALID')
    expect(codeOf(() => scanReply(request('"id":null,"result":{}')))).toBe('ENVELOPE_INVALID')
  })

  it('finds the same in chunks of any size', () => {
    const reply = fc.record({
      jsonrpc: fc.constant('2.0'),
      id: fc.string({ unit: 'grapheme' }),
      result: fc.jsonValue(),
    })
    fc.assert(
      fc.property(reply, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), (value, sizes) => {
        const body = Buffer.from(JSON.stringify(value))
        const scanner = new ReplyScanner()
        for (const chunk of inChunks(body, sizes)) scanner.push(chunk)
        expect(scanner.end()).toEqual(scanReply(body))
      }),
      { numRuns: 500 },
    )
  })

  it('refuses in chunks what it refuses whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (bytes, size) => {
        const body = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"result":"'), bytes, Buffer.from('"}')])
        const chunked = codeOf(() => {
          const scanner = new ReplyScanner()
          for (const chunk of inChunks(body, [size])) scanner.push(chunk)
          scanner.end()
        })
        expect(chunked).toBe(codeOf(() => scanReply(body)))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('splitBatch', () => {
  it('gives the elements of an array and nothing for an object', () => {
    expect(splitBatch(Buffer.from(' [ {"a":[1,2]} , 7,"x" ] '))?.map(String)).toEqual(['{"a":[1,2]}', '7', '"x"'])
    expect(splitBatch(Buffer.from('[]'))).toEqual([])
    expect(splitBatch(Buffer.from('{"a":[]}'))).toBeUndefined()
    expect(codeOf(() => splitBatch(Buffer.from('[1,]')))).toBe('ENVELOPE_PARSE')
  })
})

function spoil(json: string, at: number, char: string): string {
  const index = json.length === 0 ? 0 : at % json.length
  return json.slice(0, index) + char + json.slice(index + (at % 2))
}

function parses(json: string): boolean {
  try {
    JSON.parse(json)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function* inChunks(body: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0
  for (let turn = 0; at < body.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield body.subarray(at, at + size)
    at += size
  }
}
