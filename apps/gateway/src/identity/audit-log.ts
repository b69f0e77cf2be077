import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AuditChain,
  type AuditEvent,
  type AuditStore,
  AuditTrail,
  type AuthObserver,
  type ChainReport,
  type Denial,
  verifyChain,
} from '@mcp-platform/auth'
import { AuditSegments, FileAuditSpool, readCheckpoints, readSegments } from '@mcp-platform/auth/node'
import type { AuditReport } from '@mcp-platform/contract'
import { ifThere } from '../state/if-there.js'

export interface AuditLogOptions {
  readonly store: AuditStore
  readonly chain: AuditChain
  /** For the spool and the files of tool calls. */
  readonly folder: string
  readonly onEvent: AuthObserver
}

/** What one check of the two trails has found. */
export interface AuditCheck {
  readonly database: ChainReport
  readonly calls: ChainReport
}

/**
 * The two audit trails: identity, management and refusals in the database, tool calls in files of this node. Taking an
 * event costs a push; writing happens each second.
 */
export class AuditLog {
  readonly #options: AuditLogOptions
  readonly #trail: AuditTrail
  readonly #segments: AuditSegments
  #dropped = 0

  constructor(options: AuditLogOptions) {
    const { store, chain, onEvent } = options
    this.#options = options
    const spool = new FileAuditSpool({ path: this.#spoolFile })
    const count: AuthObserver = (event) => {
      if (event.type === 'audit-dropped') this.#dropped += event.dropped
      onEvent(event)
    }
    this.#trail = new AuditTrail({ store, spool, onEvent: count })
    this.#segments = new AuditSegments({ folder: this.#callsFolder, chain, onEvent: count })
  }

  async start(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
    await this.#segments.start()
    this.#trail.start()
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    const ended = await Promise.allSettled([this.#trail.close(), this.#segments.close()])
    for (const end of ended) if (end.status === 'rejected') throw end.reason
  }

  /** For the database trail. */
  readonly record = (event: AuditEvent): void => this.#trail.record(event)

  /** For the database trail, put together per principal, action and minute. */
  readonly denied = (denial: Denial): void => this.#trail.denied(denial)

  /** For the files of tool calls. */
  readonly call = (event: AuditEvent): void => this.#segments.record(event)

  query(query: Parameters<AuditStore['query']>[0]): Promise<readonly AuditEvent[]> {
    return this.#options.store.query(query)
  }

  /** Reads both trails whole and checks their chains. */
  async verify(): Promise<AuditCheck> {
    const { store, chain } = this.#options
    await Promise.all([this.#trail.flush(), this.#segments.flush()])
    const { from, until } = await store.checkpoints()
    const heads = await readCheckpoints(this.#callsFolder)
    return {
      database: await verifyChain(store.records(), { chain, from, until }),
      calls: await verifyChain(readSegments(this.#callsFolder), { chain, until: heads }),
    }
  }

  /** What has not reached the database, and what never will. */
  async condition(): Promise<AuditReport> {
    return { spool_bytes: await sizeOf(this.#spoolFile), dropped: this.#dropped }
  }

  /** Name of this node's chains. */
  get node(): string {
    return this.#options.chain.node
  }

  get #spoolFile(): string {
    return join(this.#options.folder, 'spool.jsonl')
  }

  get #callsFolder(): string {
    return join(this.#options.folder, 'calls')
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await ifThere(stat(file)))?.size ?? 0
}
