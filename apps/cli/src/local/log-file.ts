import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, systemCode } from '../errors.js'
import { ifThere } from '../if-there.js'

/** At the next start a larger log is put aside as `gateway.log.1`. */
const MAX_LOG_BYTES = 16 * 1_024 * 1_024
/** How much of the end is looked at for the last lines. */
const TAIL_BYTES = 1_024 * 1_024
const POLL_MS = 200

/** The log of a background gateway. */
export function logPath(stateDir: string): string {
  return join(stateDir, 'gateway.log')
}

/** Opens the log for appending, readable by its owner only; a large one is put aside first. */
export async function openLog(stateDir: string): Promise<{ readonly handle: FileHandle; readonly offset: number }> {
  const path = logPath(stateDir)
  if ((await sizeOf(path)) > MAX_LOG_BYTES) await rename(path, `${path}.1`)
  const handle = await open(path, 'a', 0o600)
  return { handle, offset: (await handle.stat()).size }
}

/** The last `lines` lines from `offset` on, and where they end. @throws CliError when there is no log */
export async function readTail(
  path: string,
  { lines, offset = 0 }: { readonly lines: number; readonly offset?: number | undefined },
): Promise<{ readonly text: string; readonly end: number }> {
  await using handle = await openExisting(path)
  const { size } = await handle.stat()
  const start = Math.max(offset, size - TAIL_BYTES)
  const text = await readRange(handle, start, size)
  return { text: lastLines(text, lines), end: size }
}

/** Gives what is appended after `offset`, until the signal aborts. A log that was put aside is followed anew. */
export async function* followLog(path: string, offset: number, signal: AbortSignal): AsyncGenerator<string> {
  let position = offset
  while (!signal.aborted) {
    const size = await sizeOf(path)
    if (size < position) position = 0
    if (size > position) {
      await using handle = await openExisting(path)
      yield await readRange(handle, position, size)
      position = size
    }
    await pause(signal)
  }
}

async function openExisting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    const message = `There is no log ${path}: only a gateway started with --background writes one.`
    throw new CliError('CLI_NO_LOG', message, { next: 'mcpp gateway start --background', cause: error })
  }
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<string> {
  const buffer = Buffer.alloc(end - start)
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
  return buffer.toString('utf8', 0, bytesRead)
}

async function sizeOf(path: string): Promise<number> {
  return (await ifThere(stat(path)))?.size ?? 0
}

function lastLines(text: string, count: number): string {
  const lines = text.replace(/\n$/, '').split('\n')
  return count === 0 ? '' : lines.slice(-count).join('\n')
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(POLL_MS, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
