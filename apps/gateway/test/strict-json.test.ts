import { describe, expect, it } from '@jest/globals'
import { parseStrictJson } from '../src/http/strict-json.js'

const parse = (text: string): unknown => parseStrictJson(Buffer.from(text))

describe('strict JSON', () => {
  it('reads what JSON.parse reads', () => {
    const text = '{"a":[1,{"b":"x,y{\\"z\\"}"},"a"],"c":{"a":null},"":true}'
    expect(parse(text)).toEqual(JSON.parse(text))
    expect(parse('"a string"')).toBe('a string')
  })

  it('refuses a member that is given twice, also when it is escaped, and names it', () => {
    expect(() => parse('{"a":1,"b":{"name":1,"n\\u0061me":2}}')).toThrow('the member "name" is given twice')
    expect(parse('[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }])
    expect(parse('{"a":"a","b":"a"}')).toEqual({ a: 'a', b: 'a' })
  })

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the member %s at any depth', (name) => {
    expect(() => parse(`{"x":[{"${name}":{}}]}`)).toThrow(`the member "${name}" is not accepted`)
    expect(parse(`["${name}"]`)).toEqual([name])
  })

  it('refuses nesting deeper than 64', () => {
    expect(parse('['.repeat(64) + ']'.repeat(64))).toBeDefined()
    expect(() => parse('['.repeat(65) + ']'.repeat(65))).toThrow('nested deeper than 64')
    expect(() => parse('['.repeat(400_000) + ']'.repeat(400_000))).toThrow('nested deeper than 64')
  })

  it('refuses text that is no JSON or no UTF-8', () => {
    expect(() => parse('{"a":}')).toThrow(/the body is not JSON/)
    expect(() => parseStrictJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow('the body is not UTF-8')
  })
})
