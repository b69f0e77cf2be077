import { parseArgs } from 'node:util'
import { positive } from '../options.ts'
import { PEERS, type Peer } from './catalog.ts'

/** What a comparison does. */
export interface PeerOptions {
  readonly rounds: number
  readonly connections: number
  readonly peers: readonly Peer[]
}

/** For `--help`. */
export const PEERS_USAGE = `usage: node bench/peers.ts [options]

Compares the gateway with npm packages that do a part of what it does. Installs them from the npm registry into a
temporary folder; takes two to three minutes, and never more than four.

  --connections N   connections (16)
  --rounds N        interleaved rounds (5)
  --only TEXT       only peers whose name holds TEXT: ${PEERS.map(({ name }) => name).join(', ')}`

/**
 * Reads the command line.
 * @throws TypeError with a sentence for a person
 */
export function readPeerOptions(args: readonly string[]): PeerOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '16' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
    },
  })
  const peers = PEERS.filter(({ name }) => name.includes(values.only))
  if (peers.length === 0) throw new TypeError(`--only must be a part of a peer's name, got ${values.only}`)
  return {
    rounds: positive('--rounds', values.rounds),
    connections: positive('--connections', values.connections),
    peers,
  }
}
