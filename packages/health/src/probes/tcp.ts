import { connect } from 'node:net'
import type { Probe } from '../probe.js'

/** Where to connect: host and port, or a url (its port, else 443 for https and wss, else 80). */
export type TcpTarget = { readonly host: string; readonly port: number } | { readonly url: string | URL }

/**
 * Probes by opening a connection and closing it at once. It proves that somebody listens, not that anybody answers: a process
 * that is stopped still accepts connections. Prefer `httpProbe` or a probe of your own where there is one.
 */
export function tcpProbe(): Probe<TcpTarget> {
  return (target, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect(addressOf(target))
    const giveUp = () => socket.destroy(signal.reason)
    socket.once('connect', () => socket.destroy())
    socket.once('connect', resolve)
    socket.once('error', reject)
    socket.once('close', () => signal.removeEventListener('abort', giveUp))
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    return promise
  }
}

function addressOf(target: TcpTarget): { host: string; port: number } {
  if ('port' in target) return { host: target.host, port: target.port }
  const url = new URL(target.url)
  const usual = url.protocol === 'https:' || url.protocol === 'wss:' ? 443 : 80
  // Node wants an IPv6 address without the brackets that a url needs.
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? usual : Number(url.port) }
}
