import type { Instance } from '@mcp-platform/core-registry'
import { heirsOf } from './heirs.js'
import type { Membership } from './membership.js'

/**
 * Whether this node is the one that probes an instance which nobody uses: of the nodes that live, rendezvous hashing gives
 * each instance to one, and all of them agree on it. A child process is its own node's. A node alone probes everything.
 */
export function probeDuty(membership: Pick<Membership, 'id' | 'live'>): (instance: Instance) => boolean {
  return ({ attach, template, id }) => {
    if (attach.kind !== 'http') return true
    const nodes = new Set([membership.id, ...membership.live.map((node) => node.id)])
    return heirsOf(`${template}/${id}`, nodes)[0] === membership.id
  }
}
