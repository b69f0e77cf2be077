import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { replaceSpan, scanEnvelope, scanReply, shiftReply, spliceMany, withId } from '../../src/index.js'

const message = Buffer.from(
  '{"jsonrpc":"2.0","id":"old","method":"tools/call","params":{"name":"a__b","_meta":{"progressToken":1}}}',
)

describe('splice', () => {
  it('changes the id and nothing else', () => {
    const spliced = withId(message, scanEnvelope(message), Buffer.from('42'))
    expect(spliced.toString()).toBe(message.toString().replace('"old"', '42'))
  })

  it('refuses to give an id to a message without one', () => {
    const notification = Buffer.from('{"jsonrpc":"2.0","method":"a"}')
    expect(() => withId(notification, scanEnvelope(notification), Buffer.from('1'))).toThrow(TypeError)
  })

  it('makes several replacements in any order', () => {
    const { id, nameSpan, progressToken } = scanEnvelope(message)
    if (!id || !nameSpan || !progressToken) throw new Error('not found')
    const spliced = spliceMany(message, [
      { span: progressToken, bytes: Buffer.from('"p9"') },
      { span: id, bytes: Buffer.from('7') },
      { span: nameSpan, bytes: Buffer.from('"b"') },
    ])
    expect(JSON.parse(spliced.toString())).toEqual({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: { name: 'b', _meta: { progressToken: 'p9' } },
    })
  })

  it('refuses spans that overlap', () => {
    const edits = [
      { span: { start: 1, end: 5 }, bytes: Buffer.from('x') },
      { span: { start: 4, end: 6 }, bytes: Buffer.from('y') },
    ]
    expect(() => spliceMany(message, edits)).toThrow(RangeError)
  })

  it('shifts an envelope to where a scan of the spliced reply finds it', () => {
    const id = fc.oneof(
      fc.integer().map(String),
      fc.string().map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(id, id, fc.jsonValue(), fc.boolean(), (from, to, result, idFirst) => {
        const rest = `"result":${JSON.stringify(result)}`
        const members = idFirst ? `"id":${from},${rest}` : `${rest},"id":${from}`
        const body = Buffer.from(`{"jsonrpc":"2.0",${members}}`)
        const envelope = scanReply(body)
        if (envelope.id === undefined) throw new Error('no id')
        const bytes = Buffer.from(to)
        const spliced = replaceSpan(body, envelope.id, bytes)
        expect(shiftReply(envelope, [{ span: envelope.id, bytes }])).toEqual(scanReply(spliced))
      }),
    )
  })
})
