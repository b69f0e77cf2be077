import { createHmac, timingSafeEqual } from 'node:crypto'
import { Mac } from '../master/mac.js'
import type { DerivedKeys } from '../master/master-key-ring.js'
import { canonicalJson } from './canonical.js'
import type { AuditEvent } from './event.js'
import { type AuditRecord, type ChainHead, type Checkpoint, canonicalRecord } from './record.js'

/** What the first record of a chain follows. */
const GENESIS = 'genesis'

/**
 * Links the audit records of one node: each carries an HMAC over itself and the one before, so none can be changed, taken out
 * or put elsewhere by somebody who has the database and not the master key. Per node, so that nodes need no common lock.
 */
export class AuditChain {
  readonly node: string
  readonly #keys: DerivedKeys
  readonly #mac: Mac

  /** @param keys `ring.derive('audit-chain')` */
  constructor(options: { readonly node: string; readonly keys: DerivedKeys }) {
    this.node = options.node
    this.#keys = options.keys
    this.#mac = new Mac(options.keys)
  }

  /** The record that follows `head` (undefined: the first one). */
  link(head: ChainHead | undefined, event: AuditEvent): AuditRecord {
    const { id: keyId, key } = this.#keys.current
    const linked = { ...event, node: this.node, seq: (head?.seq ?? 0) + 1, keyId }
    return { ...linked, mac: digest(key, head?.mac, canonicalRecord(linked)) }
  }

  /** True if the record follows one with this MAC (undefined: is the first one); undefined if its key is no longer known. */
  follows(previousMac: string | undefined, record: AuditRecord): boolean | undefined {
    const known = this.#keys.all.find(({ id }) => id === record.keyId)
    if (known === undefined) return undefined
    const expected = Buffer.from(digest(known.key, previousMac, canonicalRecord(record)))
    const given = Buffer.from(record.mac)
    return expected.length === given.length && timingSafeEqual(expected, given)
  }

  /** Signs the end of a chain, to be kept elsewhere. */
  checkpoint({ node, seq, mac }: ChainHead): Checkpoint {
    return { node, seq, mac, signature: this.#mac.sign(headText({ node, seq, mac })) }
  }

  isSigned(checkpoint: Checkpoint): boolean {
    return this.#mac.verify(headText(checkpoint), checkpoint.signature)
  }
}

function headText({ node, seq, mac }: ChainHead): string {
  return canonicalJson({ node, seq, mac })
}

function digest(key: Buffer, previousMac: string | undefined, record: string): string {
  return createHmac('sha256', key)
    .update(previousMac ?? GENESIS)
    .update('\n')
    .update(record)
    .digest('base64url')
}
