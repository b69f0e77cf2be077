import { describe, expect, it } from '@jest/globals'
import { AddressGuard, type AddressPolicy, HttpConnection } from '../../src/index.js'
import { connect, io, json, modernMessage, rejection, result, serve } from './servers.js'

function verdict(policy: AddressPolicy, address: string): string {
  try {
    new AddressGuard(policy).checkAddress(address)
    return 'allowed'
  } catch (error) {
    return String((error as { reason?: string }).reason)
  }
}

describe('AddressGuard', () => {
  it.each([
    ['93.184.216.34', 'allowed'],
    ['2606:4700::1111', 'allowed'],
    ['127.0.0.1', 'loopback'],
    ['127.8.8.8', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['192.168.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['fd12::1', 'private'],
    ['100.64.0.1', 'private'],
    ['0.0.0.0', 'not_unicast'],
    ['::', 'not_unicast'],
    ['169.254.7.7', 'not_unicast'],
    ['fe80::1%eth0', 'not_unicast'],
    ['224.0.0.1', 'not_unicast'],
    ['255.255.255.255', 'not_unicast'],
    ['64:ff9b::7f00:1', 'not_unicast'],
    ['2002:7f00:1::', 'not_unicast'],
    ['::7f00:1', 'not_unicast'],
    ['5f00::1', 'not_unicast'],
    ['169.254.169.254', 'metadata'],
    ['::ffff:169.254.169.254', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['100.100.100.200', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
  ])('by default judges %s as %s', (address, expected) => {
    expect(verdict({}, address)).toBe(expected)
  })

  it('allows what is named, but never metadata', () => {
    const policy = { allowLoopback: true, allowPrivateCidrs: ['10.0.0.0/8', '169.254.0.0/16', 'fd00::/8', '0.0.0.0/0'] }
    expect(verdict(policy, '127.0.0.1')).toBe('allowed')
    expect(verdict(policy, '10.9.9.9')).toBe('allowed')
    expect(verdict(policy, 'fd12::1')).toBe('allowed')
    expect(verdict(policy, '169.254.169.254')).toBe('metadata')
    expect(verdict(policy, 'fd00:ec2::254')).toBe('metadata')
    expect(verdict(policy, '168.63.129.16')).toBe('metadata')
  })

  it('refuses a range that is none', () => {
    expect(() => new AddressGuard({ allowPrivateCidrs: ['10.0.0.0'] })).toThrow(RangeError)
  })

  it.each([
    ['ftp://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['http://user:secret@example.com/', 'userinfo'],
    ['http://2130706433/', 'loopback'],
    ['http://0x7f.1/', 'loopback'],
    ['http://0177.0.0.1/', 'loopback'],
    ['http://127.1/', 'loopback'],
    ['http://[::ffff:7f00:1]/', 'loopback'],
    ['http://metadata.google.internal/', 'metadata'],
    ['http://METADATA.google.internal./', 'metadata'],
    ['http://169.254.169.254/latest', 'metadata'],
  ])('refuses a connection to %s (%s)', (url, reason) => {
    expect(() => new HttpConnection({ url })).toThrow(
      expect.objectContaining({ code: 'UPSTREAM_ADDRESS_REFUSED', reason }),
    )
  })

  it('refuses a name that resolves to loopback, before anything is sent', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc)))
    await using opened = connect(`http://localhost:${server.port}/mcp`, { guard: {} })
    const error = await rejection(opened.connection.modern.exchange(modernMessage('ping'), io()))
    expect(error).toMatchObject({ code: 'UPSTREAM_ADDRESS_REFUSED', reason: 'loopback', sent: false })
    expect(server.sockets.size).toBe(0)
    expect(opened.events).toContainEqual(expect.objectContaining({ type: 'address_refused', reason: 'loopback' }))
  })

  it('reaches the same name when loopback is allowed', async () => {
    await using server = await serve(({ rpc }, response) => json(response, result(rpc)))
    await using opened = connect(`http://localhost:${server.port}/mcp`)
    expect(await opened.connection.modern.exchange(modernMessage('ping'), io())).toMatchObject({ kind: 'complete' })
  })
})
