import type { AuditChain } from '../audit/chain.js'
import type { AuditEvent } from '../audit/event.js'
import type { AuditRecord, ChainHead, Checkpoint } from '../audit/record.js'
import { type AuditQuery, type AuditStore, matchesQuery } from '../audit/store.js'

/** Keeps an audit trail for as long as the process lives. */
export class MemoryAuditStore implements AuditStore {
  readonly #chain: AuditChain
  readonly #ids = new Set<string>()
  #records: AuditRecord[] = []
  #head: ChainHead | undefined
  #begin: ChainHead | undefined

  constructor(chain: AuditChain) {
    this.#chain = chain
  }

  async append(events: readonly AuditEvent[]): Promise<void> {
    for (const event of events) {
      if (this.#ids.has(event.id)) continue
      const record = this.#chain.link(this.#head, event)
      this.#ids.add(event.id)
      this.#records.push(record)
      this.#head = record
    }
  }

  async query(query: AuditQuery): Promise<readonly AuditEvent[]> {
    const { before, limit } = query
    const found = this.#records.filter(
      (record) => (before === undefined || record.id < before) && matchesQuery(record, query),
    )
    return found
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map(toEvent)
  }

  async *records(): AsyncIterable<AuditRecord> {
    yield* [...this.#records]
  }

  async checkpoints(): Promise<{ readonly from: readonly Checkpoint[]; readonly until: readonly Checkpoint[] }> {
    return { from: this.#signed(this.#begin), until: this.#signed(this.#head) }
  }

  async sweep(before: Date, limit: number): Promise<number> {
    const young = this.#records.findIndex((record) => record.at >= before)
    const count = Math.min(young < 0 ? this.#records.length : young, limit)
    const gone = this.#records.slice(0, count)
    this.#begin = gone.at(-1) ?? this.#begin
    this.#records = this.#records.slice(count)
    for (const { id } of gone) this.#ids.delete(id)
    return count
  }

  #signed(head: ChainHead | undefined): Checkpoint[] {
    return head === undefined ? [] : [this.#chain.checkpoint(head)]
  }
}

function toEvent({ node: _node, seq: _seq, keyId: _keyId, mac: _mac, ...event }: AuditRecord): AuditEvent {
  return event
}
