import { createReadStream } from 'node:fs'
import { type FileHandle, open, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AuditRecord, Checkpoint } from './record.js'
import { parseRecord } from './wire.js'

const NEWLINE = 0x0a

/** Names of the segment files of a node, oldest first. */
export async function segmentNames(folder: string, node: string): Promise<string[]> {
  const prefix = segmentPrefix(node)
  const names = await readdir(folder)
  return names.filter((name) => name.startsWith(prefix) && name.endsWith('.jsonl')).sort()
}

/** The file whose first record has this number; the names sort as the numbers do. */
export function segmentName(node: string, firstSeq: number): string {
  return `${segmentPrefix(node)}${String(firstSeq).padStart(16, '0')}.jsonl`
}

function segmentPrefix(node: string): string {
  return `audit-${encodeURIComponent(node)}-`
}

/**
 * All records in a folder's segments, for `verifyChain`; with `node` those of one node.
 * A line that cannot be read is an error, but for one that was cut off by a crash at the very end.
 */
export async function* readSegments(folder: string, node?: string): AsyncIterable<AuditRecord> {
  const names = node === undefined ? await allSegmentNames(folder) : await segmentNames(folder, node)
  for (const name of names) yield* readSegment(join(folder, name))
}

async function allSegmentNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('audit-') && name.endsWith('.jsonl')).sort()
}

async function* readSegment(path: string): AsyncIterable<AuditRecord> {
  const stream = createReadStream(path, 'utf8')
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== '') yield parseRecord(line)
    }
  } finally {
    stream.destroy()
  }
}

/** Cuts off a last line that a crash has left unfinished: it was never said to be safe. @returns bytes that stay */
export async function cutTornLine(path: string): Promise<number> {
  const bytes = await readFile(path)
  const end = bytes.lastIndexOf(NEWLINE) + 1
  if (end < bytes.length) await truncate(path, end)
  return end
}

/** The last record of a node's segments. */
export async function lastRecord(folder: string, node: string): Promise<AuditRecord | undefined> {
  for (const name of (await segmentNames(folder, node)).reverse()) {
    let last: AuditRecord | undefined
    for await (const record of readSegment(join(folder, name))) last = record
    if (last !== undefined) return last
  }
  return undefined
}

/** Replaces the file of a node's last checkpoint in one step. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const path = checkpointPath(folder, checkpoint.node)
  await writeFile(`${path}.new`, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}

/** The last checkpoint of every node in a folder. */
export async function readCheckpoints(folder: string): Promise<readonly Checkpoint[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('audit-') && name.endsWith('.head'))
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))))
}

function checkpointPath(folder: string, node: string): string {
  return join(folder, `${segmentPrefix(node)}.head`)
}

/** Opens a file for appending, readable by its owner only. */
export function openForAppend(path: string): Promise<FileHandle> {
  return open(path, 'a', 0o600)
}
