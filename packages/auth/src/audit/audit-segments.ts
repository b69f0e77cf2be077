import { type FileHandle, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuthObserver } from '../events.js'
import { Turns } from '../identity/turns.js'
import type { AuditChain } from './chain.js'
import type { AuditEvent } from './event.js'
import type { ChainHead } from './record.js'
import { cutTornLine, lastRecord, openForAppend, segmentName, segmentNames, writeCheckpoint } from './segment-files.js'
import { toLine } from './wire.js'

const DEFAULT_FLUSH_MS = 1_000
const DEFAULT_MAX_SEGMENT_BYTES = 64 * 1024 * 1024
const DEFAULT_MAX_PENDING = 50_000

/** Options of {@link AuditSegments}. */
export interface AuditSegmentsOptions {
  /** Made if it is not there, for the owner only. */
  readonly folder: string
  readonly chain: AuditChain
  /** Time between writes, in milliseconds. @default 1_000 */
  readonly flushMs?: number | undefined
  /** A new file is begun after this many bytes. @default 64 MiB */
  readonly maxSegmentBytes?: number | undefined
  /** Events that wait; beyond it they are dropped and counted. @default 50_000 */
  readonly maxPending?: number | undefined
  readonly onEvent?: AuthObserver | undefined
}

/**
 * Appends audit events to files, one JSON line each, chained, for what is too much for the database: tool calls.
 * `record` only puts an event into a list; each second the list is linked, written and synced. Read with `readSegments`,
 * check with `verifyChain` and `readCheckpoints`. One writer per folder and node. Call {@link close} at the end.
 */
export class AuditSegments {
  readonly #options: AuditSegmentsOptions
  readonly #maxSegmentBytes: number
  readonly #maxPending: number
  readonly #turns = new Turns()
  #pending: AuditEvent[] = []
  #dropped = 0
  #head: ChainHead | undefined
  #file: { readonly handle: FileHandle; bytes: number } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: AuditSegmentsOptions) {
    this.#options = options
    this.#maxSegmentBytes = options.maxSegmentBytes ?? DEFAULT_MAX_SEGMENT_BYTES
    this.#maxPending = options.maxPending ?? DEFAULT_MAX_PENDING
  }

  /** Finds where the chain ended and writes each second from now on. */
  async start(): Promise<void> {
    await this.#turns.run(() => this.#continue())
    this.#timer ??= setInterval(() => void this.#tick(), this.#options.flushMs ?? DEFAULT_FLUSH_MS).unref()
  }

  /** Synchronous; never throws. */
  record(event: AuditEvent): void {
    if (this.#pending.length < this.#maxPending) this.#pending.push(event)
    else this.#dropped++
  }

  /** Writes and syncs what waits; keeps it if that fails. */
  flush(): Promise<void> {
    return this.#turns.run(() => this.#flush())
  }

  /** Stops the timer, writes everything and closes the file, on every path. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    try {
      await this.flush()
    } finally {
      await this.#turns.run(() => this.#closeFile())
    }
  }

  async #continue(): Promise<void> {
    const { folder, chain } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const newest = (await segmentNames(folder, chain.node)).at(-1)
    if (newest === undefined) return
    const path = join(folder, newest)
    const bytes = await cutTornLine(path)
    this.#head = await lastRecord(folder, chain.node)
    this.#file = { handle: await openForAppend(path), bytes }
  }

  async #tick(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#options.onEvent?.({ type: 'audit-deferred', pending: this.#pending.length, error })
    }
  }

  async #flush(): Promise<void> {
    this.#tellDropped()
    const events = [...this.#pending]
    if (events.length === 0) return
    const { text, head } = this.#linked(events)
    const file = await this.#fileFor(Buffer.byteLength(text))
    await this.#writeWhole(file, text)
    this.#pending.splice(0, events.length)
    this.#head = head
    await writeCheckpoint(this.#options.folder, this.#options.chain.checkpoint(head))
    this.#options.onEvent?.({ type: 'audit-written', events: events.length })
  }

  /** All of it or, as far as the disk lets us, nothing: half a batch would be written a second time. */
  async #writeWhole(file: { readonly handle: FileHandle; bytes: number }, text: string): Promise<void> {
    try {
      await file.handle.appendFile(text, 'utf8')
      await file.handle.datasync()
    } catch (error) {
      await file.handle.truncate(file.bytes)
      throw error
    }
    file.bytes += Buffer.byteLength(text)
  }

  #linked(events: readonly AuditEvent[]): { text: string; head: ChainHead } {
    let head = this.#head
    const lines = events.map((event) => {
      const record = this.#options.chain.link(head, event)
      head = record
      return toLine(record)
    })
    const { node } = this.#options.chain
    return { text: lines.join(''), head: { node, seq: head?.seq ?? 0, mac: head?.mac ?? '' } }
  }

  async #fileFor(bytes: number): Promise<{ readonly handle: FileHandle; bytes: number }> {
    const current = this.#file
    if (current !== undefined && (current.bytes === 0 || current.bytes + bytes <= this.#maxSegmentBytes)) return current
    await this.#closeFile()
    const name = segmentName(this.#options.chain.node, (this.#head?.seq ?? 0) + 1)
    this.#file = { handle: await openForAppend(join(this.#options.folder, name)), bytes: 0 }
    return this.#file
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.handle.close()
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return
    this.#options.onEvent?.({ type: 'audit-dropped', dropped: this.#dropped })
    this.#dropped = 0
  }
}
