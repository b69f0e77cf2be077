import { describe, expect, it } from '@jest/globals'
import { type ServerIdentity, scanReply } from '@mcp-platform/mcp-upstream'
import fc from 'fast-check'
import { decodeHeaderValue, encodeHeaderValue } from '../src/header-value.js'
import { resultEnvelope, stripForLegacy, stripResponse } from '../src/legacy-result.js'
import { decorateForModern } from '../src/modern-result.js'

const identity: ServerIdentity = {
  era: 'legacy',
  protocolVersion: '2025-11-25',
  serverInfo: { name: 'peer', version: '1' },
  capabilities: {},
  result: {},
  learnedAt: new Date(0),
}

const result = fc
  .dictionary(fc.oneof(fc.string(), fc.constantFrom('content', 'tools', '_meta', 'isError')), fc.jsonValue())
  .map((object) => ({ ...object, ...('_meta' in object ? { _meta: { own: object['_meta'] } } : {}) }))

const spaced = fc.constantFrom(undefined, 1, '\t')

function message(value: object, space: string | number | undefined): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 7, result: value }, null, space))
}

describe('results between the eras', () => {
  it('come back as they were after being decorated and stripped, whatever they hold', () => {
    fc.assert(
      fc.property(result, spaced, (value, space) => {
        const original = message(value, space)
        const modern = decorateForModern(original, scanReply(original), 'tools/list', identity)
        const parsed = JSON.parse(modern.toString()).result
        expect(parsed).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
        expect(parsed._meta['io.modelcontextprotocol/serverInfo']).toEqual({ name: 'peer', version: '1' })
        const response = { json: modern, envelope: scanReply(modern) }
        const stripped = stripResponse(response, resultEnvelope(response))
        expect(stripForLegacy(modern, response.envelope)).toEqual(stripped.json)
        const legacy = JSON.parse(stripped.json.toString())
        expect(stripped.envelope).toEqual(scanReply(stripped.json))
        expect(legacy).toEqual(JSON.parse(JSON.stringify({ jsonrpc: '2.0', id: 7, result: value })))
      }),
    )
  })

  it('turn the legacy "resource not found" into invalid params', () => {
    const original = Buffer.from(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"gone","data":{"uri":"a:b"}}}',
    )
    const modern = JSON.parse(decorateForModern(original, scanReply(original), 'resources/read', identity).toString())
    expect(modern.error).toEqual({ code: -32602, message: 'gone', data: { uri: 'a:b' } })
  })
})

describe('header values', () => {
  it('carry any text and never a line break', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(text.isWellFormed())
        const value = encodeHeaderValue(text)
        expect(value).toMatch(/^[\x20-\x7e]*$/)
        expect(decodeHeaderValue(value)).toBe(text)
      }),
    )
  })

  it('refuse a sentinel that is no base64 of UTF-8', () => {
    expect(decodeHeaderValue('=?base64?***?=')).toBeUndefined()
    expect(decodeHeaderValue('=?base64?/w==?=')).toBeUndefined()
  })
})
