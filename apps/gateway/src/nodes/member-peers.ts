import type { NodeRecord } from '@mcp-platform/store-kysely/gateway'
import type { Membership } from './membership.js'
import type { Peer, Peers } from './peers.js'

/** The other nodes as the list of nodes in the database has them. */
export function memberPeers(membership: Pick<Membership, 'id' | 'live' | 'find'>): Peers {
  return {
    all: () => peersOf(membership.live, membership.id),
    find: async (id) => {
      // A node that has just begun is in the list before it knows its own address.
      const found = await membership.find(id, (node) => peerOf(node) !== undefined)
      return found && peerOf(found)
    },
  }
}

/** Those of the nodes that others can reach, without our own. */
export function peersOf(live: readonly NodeRecord[], own: string): Peer[] {
  return live.flatMap((node) => (node.id === own ? [] : (peerOf(node) ?? [])))
}

function peerOf({ id, details }: NodeRecord): Peer | undefined {
  const url = details['url']
  return typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
    ? { id, url }
    : undefined
}
