import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { checkParams, decodeHeaderValue, mirrorParams, paramHeaders } from '../src/index.js'

const tool = (properties: Record<string, unknown>) => ({ name: 't', inputSchema: { type: 'object', properties } })
const region = { type: 'string', 'x-mcp-header': 'Region' }

describe('arguments that are mirrored into headers', () => {
  it('are found at any depth of properties', () => {
    const fields = paramHeaders(
      tool({ region, deep: { type: 'object', properties: { id: { type: 'integer', 'x-mcp-header': 'Id' } } } }),
    )
    expect(fields).toEqual([
      { header: 'mcp-param-region', path: ['region'] },
      { header: 'mcp-param-id', path: ['deep', 'id'] },
    ])
  })

  it.each([
    ['a number', { n: { type: 'number', 'x-mcp-header': 'N' } }],
    ['an object', { o: { type: 'object', 'x-mcp-header': 'O' } }],
    ['no token', { s: { type: 'string', 'x-mcp-header': 'a b' } }],
    ['a name twice', { a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } }],
  ])('hold nobody to an annotation on %s', (_what, properties) => {
    expect(paramHeaders(tool(properties))).toEqual([])
  })

  it('agree with the check, whatever the argument is', () => {
    const fields = paramHeaders(tool({ region, flag: { type: 'boolean', 'x-mcp-header': 'Flag' } }))
    fc.assert(
      fc.property(fc.option(fc.string({ unit: 'grapheme' })), fc.option(fc.boolean()), (text, flag) => {
        const args = { region: text, flag }
        const headers = mirrorParams(fields, args)
        checkParams(fields, args, (name) => headers[name])
        if (text !== null) expect(decodeHeaderValue(headers['mcp-param-region'] ?? '')).toBe(text)
      }),
    )
  })

  it.each([
    ['missing', {}, { region: 'eu' }],
    ['different', { 'mcp-param-region': 'us' }, { region: 'eu' }],
    ['there without its argument', { 'mcp-param-region': 'eu' }, {}],
    ['no base64', { 'mcp-param-region': '=?base64?!!?=' }, { region: 'eu' }],
  ])('are refused with -32020 when the header is %s', (_what, headers, args) => {
    const fields = paramHeaders(tool({ region }))
    const header = (name: string): string | undefined => Object(headers)[name]
    expect(() => checkParams(fields, args, header)).toThrow(expect.objectContaining({ rpcCode: -32020, status: 400 }))
  })

  it('take a value with one half of the sentinel as plain text', () => {
    expect(decodeHeaderValue('=?base64?SGk=')).toBe('=?base64?SGk=')
    expect(decodeHeaderValue('SGk=?=')).toBe('SGk=?=')
  })
})
