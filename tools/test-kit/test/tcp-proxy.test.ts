import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { startTcpProxy, type TcpProxy, waitFor } from '../src/index.js'

let echo: Server
let proxy: TcpProxy
let client: Socket | undefined

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  proxy = await startTcpProxy({ port: address.port })
})

afterEach(async () => {
  client?.destroy()
  await proxy.stop()
  await new Promise((resolve) => echo.close(resolve))
})

describe('the TCP proxy', () => {
  it('passes bytes both ways', async () => {
    expect(await roundTrip('hello')).toBe('hello')
  })

  it('slices what it passes', async () => {
    await proxy.setMode({ kind: 'slice', bytes: 1, delayMs: 1 })
    const socket = await connect()
    let chunks = 0
    let text = ''
    socket.on('data', (chunk) => {
      chunks += 1
      text += String(chunk)
    })
    socket.write('sliced')
    await waitFor(() => text === 'sliced')
    expect(chunks).toBeGreaterThan(2)
  })

  it('resets open connections and new ones', async () => {
    const socket = await connect()
    socket.on('error', () => undefined)
    const failed = new Promise((resolve) => socket.once('close', resolve))
    await proxy.setMode({ kind: 'reset' })
    await failed
    await expect(roundTrip('x')).rejects.toThrow()
  })

  it('refuses, and passes again on the same port', async () => {
    await proxy.setMode({ kind: 'refuse' })
    await expect(roundTrip('x')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await proxy.setMode({ kind: 'pass' })
    expect(await roundTrip('back')).toBe('back')
  })

  it('swallows everything as a black hole, and closes nothing', async () => {
    await proxy.setMode({ kind: 'black-hole' })
    const socket = await connect()
    let heard = 0
    socket.on('data', () => {
      heard += 1
    })
    await new Promise<void>((resolve) => socket.write('into the dark', () => resolve()))
    await proxy.setMode({ kind: 'pass' })
    socket.write('light')
    await waitFor(() => heard > 0)
    expect([heard, proxy.open]).toEqual([1, 1])
  })
})

async function connect(): Promise<Socket> {
  client = createConnection(proxy.port, '127.0.0.1')
  await once(client, 'connect')
  return client
}

async function roundTrip(text: string): Promise<string> {
  const socket = await connect()
  const answer = once(socket, 'data').then(([chunk]) => String(chunk))
  const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')))
  closed.catch(() => undefined)
  socket.write(text)
  return Promise.race([answer, closed])
}
