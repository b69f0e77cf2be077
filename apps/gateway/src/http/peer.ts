import type { IncomingMessage } from 'node:http'

/** By which a worker tells its primary who is calling. Believed on the local socket only. */
export const PEER_HEADER = 'x-mcpp-peer'

const peers = new WeakMap<IncomingMessage, string>()

/** Takes the address of the caller from a request that came over the local socket of a worker. */
export function adoptPeer(request: IncomingMessage): void {
  const peer = request.headers[PEER_HEADER]
  delete request.headers[PEER_HEADER]
  if (typeof peer === 'string') peers.set(request, peer)
}

/** Says who is calling, as another node has proved that it knows. */
export function setPeer(request: IncomingMessage, address: string): void {
  peers.set(request, address)
}

/** The address at the other end of the connection that a request came over, whichever process accepted it. */
export function peerOf(request: IncomingMessage): string | undefined {
  return peers.get(request) ?? request.socket.remoteAddress
}
