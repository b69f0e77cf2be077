import { describe, expect, it } from '@jest/globals'
import { clientAddress, isLoopback, rangeList } from '../src/http/addresses.js'

describe('addresses', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['[::1]', true],
    ['LocalHost', true],
    ['a.localhost', true],
    ['0.0.0.0', false],
    ['127.0.0.1.example.com', false],
    ['localhost.example.com', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected)
  })

  it('believes X-Forwarded-For only as far as trusted proxies wrote it', () => {
    const trusted = rangeList(['10.0.0.0/8', '::1/128'])
    expect(clientAddress('192.0.2.1', '1.1.1.1', trusted)).toBe('192.0.2.1')
    expect(clientAddress('10.0.0.1', undefined, trusted)).toBe('10.0.0.1')
    expect(clientAddress('::ffff:10.0.0.1', '6.6.6.6, 192.0.2.7, 10.9.9.9', trusted)).toBe('192.0.2.7')
    expect(clientAddress('::1', 'not an address', trusted)).toBe('::1')
  })
})
