import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { type Readable, Transform, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGunzip, createGzip } from 'node:zlib'
import { reasonOf } from '../errors.js'
import { PackedFileError, type PackedKind } from './packed-error.js'

/*
 * One line, `MCPPBACKUP1 {header}` or `MCPPEXPORT1 {header}`, then the content (an SQLite database, or the text of an export),
 * compressed with gzip and, with a passphrase, encrypted by AES-256-GCM under a key that scrypt makes of it (RFC 7914), its
 * tag behind it, then the SHA-256 of all before. The line is authenticated too.
 */
const MARKS: Readonly<Record<PackedKind, string>> = { backup: 'MCPPBACKUP1 ', export: 'MCPPEXPORT1 ' }
const HEADER_MAX = 4_096
const SUM_BYTES = 32
const TAG_BYTES = 16
const KEY_BYTES = 32
// 64 MiB of memory and about 0.2 s: what OWASP asks of a passphrase, once per file.
const SCRYPT = { N: 65_536, r: 8, p: 1, maxmem: 128 * 1024 * 1024 }

/** What a packed file says of itself. */
export interface PackedHeader {
  readonly created_at: string
  /** Version of the gateway that made it. */
  readonly version: string
  /** Kind of the database that a backup is of. */
  readonly database?: string | undefined
  readonly encryption?: { readonly kdf: 'scrypt'; readonly salt: string; readonly iv: string } | undefined
}

/** What a file is packed from. */
export interface PackOptions {
  readonly kind: PackedKind
  readonly header: Omit<PackedHeader, 'encryption'>
  /** @default the file is not encrypted */
  readonly passphrase?: string | undefined
}

/** How a file is unpacked. */
export interface UnpackOptions {
  readonly kind: PackedKind
  /** Asked once the file has turned out to be whole and encrypted; undefined: there is none. */
  readonly passphrase: () => Promise<string | undefined>
}

/** A file that was written. */
export interface WrittenFile {
  readonly bytes: number
  readonly sha256: string
}

/** Packs what `source` gives; replaces the target whole or not at all, mode 0600. */
export async function packFile(source: Readable, target: string, options: PackOptions): Promise<WrittenFile> {
  const aside = `${target}.${process.pid}.new`
  try {
    const written = await write(source, aside, options)
    const file = await open(aside, 'r+')
    await file.sync().finally(() => file.close())
    await rename(aside, target)
    return written
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}

async function write(source: Readable, target: string, options: PackOptions): Promise<WrittenFile> {
  const { kind, header, passphrase } = options
  const sealing = passphrase === undefined ? undefined : await newSealing(passphrase)
  const head = Buffer.from(`${MARKS[kind]}${JSON.stringify({ ...header, encryption: sealing?.said })}\n`, 'utf8')
  const hash = createHash('sha256').update(head)
  let bytes = head.length + SUM_BYTES
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const out = createWriteStream(target, { mode: 0o600 })
  out.write(head)
  if (sealing === undefined) await pipeline(source, createGzip(), counted, out, { end: false })
  else {
    const cipher = createCipheriv('aes-256-gcm', sealing.key, sealing.iv).setAAD(head)
    await pipeline(source, createGzip(), cipher, counted, out, { end: false })
    const tag = cipher.getAuthTag()
    hash.update(tag)
    bytes += tag.length
    out.write(tag)
  }
  const sum = hash.digest()
  await new Promise<void>((resolve, reject) => out.once('error', reject).end(sum, () => resolve()))
  return { bytes, sha256: sum.toString('hex') }
}

interface Sealing {
  readonly key: Buffer
  readonly iv: Buffer
  /** How the key is made of the passphrase again. */
  readonly said: NonNullable<PackedHeader['encryption']>
}

async function newSealing(passphrase: string): Promise<Sealing> {
  const [salt, iv] = [randomBytes(16), randomBytes(12)]
  const said = { kdf: 'scrypt', salt: salt.toString('base64url'), iv: iv.toString('base64url') } as const
  return { key: await keyOf(passphrase, salt), iv, said }
}

/**
 * Checks a file, its checksum first, and unpacks it. What `target` gets must not be used before this has resolved.
 * @throws PackedFileError
 */
export async function unpackFile(
  source: string,
  target: () => Writable,
  { kind, passphrase }: UnpackOptions,
): Promise<PackedHeader> {
  const size = await sizeOf(kind, source)
  const { header, head } = await readHead(kind, source)
  await requireSum(kind, source, size)
  const { encryption } = header
  const end = size - SUM_BYTES - (encryption === undefined ? 0 : TAG_BYTES) - 1
  const body = (): Readable => createReadStream(source, { start: head.length, end })
  if (encryption === undefined) {
    await pipeline(body(), createGunzip(), target())
    return header
  }
  const given = await passphrase()
  if (given === undefined) throw failure(kind, 'PASSPHRASE', `the ${kind} is encrypted; give its passphrase`)
  const key = await keyOf(given, Buffer.from(encryption.salt, 'base64url'))
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(encryption.iv, 'base64url'), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(head).setAuthTag(await readAt(source, end + 1, TAG_BYTES))
  try {
    await pipeline(body(), decipher, createGunzip(), target())
  } catch (error) {
    throw failure(kind, 'PASSPHRASE', `the passphrase is another one, or the ${kind} was changed`, error)
  }
  return header
}

async function sizeOf(kind: PackedKind, path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw failure(kind, 'UNREADABLE', `the ${kind} ${path} cannot be read (${reasonOf(error)})`, error)
  }
}

async function readHead(kind: PackedKind, path: string): Promise<{ header: PackedHeader; head: Buffer }> {
  const mark = MARKS[kind]
  const begin = await readAt(path, 0, HEADER_MAX)
  const lineEnd = begin.indexOf('\n')
  if (lineEnd < 0 || begin.toString('latin1', 0, mark.length) !== mark) {
    throw failure(kind, 'INVALID', `${path} is not ${kind === 'backup' ? 'a backup' : 'an export'} of a gateway`)
  }
  const head = begin.subarray(0, lineEnd + 1)
  try {
    return { header: JSON.parse(head.toString('utf8', mark.length)), head }
  } catch (error) {
    throw failure(kind, 'INVALID', `the beginning of the ${kind} ${path} is damaged`, error)
  }
}

async function requireSum(kind: PackedKind, path: string, size: number): Promise<void> {
  const hash = createHash('sha256')
  const end = size - SUM_BYTES - 1
  if (end > 0) for await (const chunk of createReadStream(path, { end })) hash.update(chunk)
  const sum = await readAt(path, Math.max(0, size - SUM_BYTES), SUM_BYTES)
  if (!hash.digest().equals(sum)) {
    throw failure(kind, 'INVALID', `the ${kind} ${path} is damaged: its checksum does not fit`)
  }
}

async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  const derive = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt)
  return derive(passphrase.normalize('NFKC'), salt, KEY_BYTES, SCRYPT)
}

function failure(
  kind: PackedKind,
  what: 'UNREADABLE' | 'INVALID' | 'PASSPHRASE',
  message: string,
  cause?: unknown,
): PackedFileError {
  const code = kind === 'backup' ? (`BACKUP_${what}` as const) : (`EXPORT_${what}` as const)
  return new PackedFileError(code, message, cause)
}
