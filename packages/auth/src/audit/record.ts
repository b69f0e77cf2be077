import { canonicalJson } from './canonical.js'
import type { AuditEvent } from './event.js'

/** An event in the chain of the node that wrote it. */
export interface AuditRecord extends AuditEvent {
  readonly node: string
  /** Counts up by one per node, from 1. */
  readonly seq: number
  /** Which master key the chain's key comes from. */
  readonly keyId: string
  /** HMAC-SHA-256 over the record before and this one, base64url. */
  readonly mac: string
}

/** The end of a node's chain. */
export interface ChainHead {
  readonly node: string
  readonly seq: number
  readonly mac: string
}

/** A head that was signed: proof, kept somewhere else, that the chain was this long. */
export interface Checkpoint extends ChainHead {
  readonly signature: string
}

/** What the MAC of a record covers. */
export function canonicalRecord(record: Omit<AuditRecord, 'mac'>): string {
  const { id, at, actor, action, outcome, target, requestId, address, count, details, node, seq, keyId } = record
  return canonicalJson({ id, at, actor, action, outcome, target, requestId, address, count, details, node, seq, keyId })
}
