import type { AuditChain } from './chain.js'
import type { AuditRecord, ChainHead, Checkpoint } from './record.js'

/** What is wrong with a chain. */
export type ChainFault =
  /** The record was changed, or something before it was. */
  | 'edited'
  /** A record is not there; `seq` is the missing one's. */
  | 'missing'
  /** The record is not at its place, or there twice. */
  | 'reordered'
  /** The chain ends before a checkpoint; `seq` is the first missing one's. */
  | 'truncated'
  /** A checkpoint was not signed by us, or says something else than the record. */
  | 'checkpoint'

/** What {@link verifyChain} found. */
export type ChainReport =
  | {
      readonly ok: true
      readonly records: number
      /**
       * Records at the beginning of a chain whose key is no longer known: their numbers fit, their content cannot be checked.
       * After a record that could be checked, or a signed checkpoint, an unknown key counts as an edit.
       */
      readonly unverifiable: number
      readonly heads: readonly ChainHead[]
    }
  | {
      readonly ok: false
      readonly fault: ChainFault
      readonly node: string
      readonly seq: number
      /** Id of the first bad record, where there is one. */
      readonly id: string | undefined
      /** Good records before it. */
      readonly records: number
    }

/** Options of {@link verifyChain}. */
export interface VerifyOptions {
  readonly chain: AuditChain
  /** Signed heads before the first record, where older records were swept. */
  readonly from?: readonly Checkpoint[] | undefined
  /** Signed heads that must be reached: without one, nobody can tell that the last records were cut off. */
  readonly until?: readonly Checkpoint[] | undefined
}

/**
 * Checks the records of any number of nodes, each node's in the order of its numbers, and names the first bad one.
 * Reads each record once and keeps one per node.
 */
export async function verifyChain(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
  options: VerifyOptions,
): Promise<ChainReport> {
  const walk = new Walk(options)
  for await (const record of records) {
    const bad = walk.step(record)
    if (bad !== undefined) return bad
  }
  return walk.end()
}

class Walk {
  readonly #options: VerifyOptions
  readonly #heads = new Map<string, ChainHead>()
  /** Nodes of which something was proven: keys only ever become newer. */
  readonly #proven: Set<string>
  #records = 0
  #unverifiable = 0

  constructor(options: VerifyOptions) {
    this.#options = options
    this.#proven = new Set(options.from?.map(({ node }) => node))
    for (const { node, seq, mac } of options.from ?? []) this.#heads.set(node, { node, seq, mac })
  }

  step(record: AuditRecord): ChainReport | undefined {
    const { node, seq } = record
    const head = this.#heads.get(node)
    const expected = (head?.seq ?? 0) + 1
    if (seq > expected) return this.#bad('missing', node, expected, record.id)
    if (seq < expected) return this.#bad('reordered', node, seq, record.id)
    const follows = this.#options.chain.follows(head?.mac, record)
    if (follows === false || (follows === undefined && this.#proven.has(node))) {
      return this.#bad('edited', node, seq, record.id)
    }
    if (follows === true) this.#proven.add(node)
    else this.#unverifiable++
    this.#records++
    this.#heads.set(node, { node, seq, mac: record.mac })
    const differs = this.#options.until?.some(
      (point) => point.node === node && point.seq === seq && point.mac !== record.mac,
    )
    return differs === true ? this.#bad('checkpoint', node, seq, record.id) : undefined
  }

  end(): ChainReport {
    const points = [...(this.#options.from ?? []), ...(this.#options.until ?? [])]
    const forged = points.find((point) => !this.#options.chain.isSigned(point))
    if (forged !== undefined) return this.#bad('checkpoint', forged.node, forged.seq, undefined)
    const short = this.#options.until?.find(({ node, seq }) => (this.#heads.get(node)?.seq ?? 0) < seq)
    if (short !== undefined) {
      return this.#bad('truncated', short.node, (this.#heads.get(short.node)?.seq ?? 0) + 1, undefined)
    }
    return { ok: true, records: this.#records, unverifiable: this.#unverifiable, heads: [...this.#heads.values()] }
  }

  #bad(fault: ChainFault, node: string, seq: number, id: string | undefined): ChainReport {
    return { ok: false, fault, node, seq, id, records: this.#records }
  }
}
