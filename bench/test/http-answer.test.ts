import { describe, expect, it } from '@jest/globals'
import { HttpAnswerReader } from '../load/http-answer.ts'

const plain = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello'
const chunked = 'HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
const empty = 'HTTP/1.1 204 No Content\r\n\r\n'

describe('the answer reader', () => {
  it.each([
    ['a length', plain, 200, 'hello'],
    ['chunks', chunked, 404, 'abcde'],
    ['no body', empty, 204, ''],
  ])('reads an answer with %s', (_name, text, status, body) => {
    const answer = new HttpAnswerReader().push(Buffer.from(text))
    expect([answer?.status, answer?.body.toString()]).toEqual([status, body])
  })

  it('reads answers torn into single bytes, one after the other', () => {
    const reader = new HttpAnswerReader()
    const found: string[] = []
    for (const byte of Buffer.from(plain + chunked + plain)) {
      const answer = reader.push(Buffer.of(byte))
      if (answer !== undefined) found.push(answer.body.toString())
    }
    expect(found).toEqual(['hello', 'abcde', 'hello'])
  })
})
