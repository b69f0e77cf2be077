import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

const LONGEST_HOST = 64

/**
 * Names one run of one gateway among those that share a database. New at every start: a copied state folder, or one that
 * two machines see, can never make two nodes of one name.
 */
export function newNodeId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .slice(0, LONGEST_HOST)
  return `${host}-${randomBytes(4).toString('hex')}`
}
