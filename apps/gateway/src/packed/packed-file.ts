import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGunzip, createGzip } from 'node:zlib'
import { BackupError } from './backup-error.js'

/*
 * One line `MCPPBACKUP1 {header}`, then an SQLite database, compressed with gzip and, with a passphrase, encrypted by
 * AES-256-GCM under a key that scrypt makes of it (RFC 7914), its tag behind it, then the SHA-256 of all before.
 * The header is authenticated too.
 */
const MARK = 'MCPPBACKUP1 '
const HEADER_MAX = 4_096
const SUM_BYTES = 32
const TAG_BYTES = 16
const KEY_BYTES = 32
// 64 MiB of memory and about 0.2 s: what OWASP asks of a passphrase, once per backup.
const SCRYPT = { N: 65_536, r: 8, p: 1, maxmem: 128 * 1024 * 1024 }

/** What a backup says of itself. */
export interface BackupHeader {
  readonly created_at: string
  /** Version of the gateway that made it. */
  readonly version: string
  /** Kind of the database that it is of. */
  readonly database: string
  readonly encryption?: { readonly kdf: 'scrypt'; readonly salt: string; readonly iv: string } | undefined
}

/** A backup that was written. */
export interface WrittenBackup {
  readonly bytes: number
  readonly sha256: string
}

/** Packs an SQLite file as a backup; replaces the target whole or not at all, mode 0600. */
export async function packBackup(
  source: string,
  target: string,
  options: { readonly header: Omit<BackupHeader, 'encryption'>; readonly passphrase?: string | undefined },
): Promise<WrittenBackup> {
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

async function write(
  source: string,
  target: string,
  { header, passphrase }: Parameters<typeof packBackup>[2],
): Promise<WrittenBackup> {
  const sealing = passphrase === undefined ? undefined : { salt: randomBytes(16), iv: randomBytes(12), passphrase }
  const encryption = sealing && {
    kdf: 'scrypt' as const,
    salt: sealing.salt.toString('base64url'),
    iv: sealing.iv.toString('base64url'),
  }
  const head = Buffer.from(`${MARK}${JSON.stringify({ ...header, encryption })}\n`, 'utf8')
  const hash = createHash('sha256').update(head)
  let bytes = head.length + SUM_BYTES
  const counted = (): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        bytes += chunk.length
        done(null, chunk)
      },
    })
  const out = createWriteStream(target, { mode: 0o600 })
  out.write(head)
  const read = createReadStream(source)
  if (sealing === undefined) await pipeline(read, createGzip(), counted(), out, { end: false })
  else {
    const key = await keyOf(sealing.passphrase, sealing.salt)
    const cipher = createCipheriv('aes-256-gcm', key, sealing.iv).setAAD(head)
    await pipeline(read, createGzip(), cipher, counted(), out, { end: false })
    const tag = cipher.getAuthTag()
    hash.update(tag)
    bytes += tag.length
    out.write(tag)
  }
  const sum = hash.digest()
  await new Promise<void>((resolve, reject) => out.once('error', reject).end(sum, () => resolve()))
  return { bytes, sha256: sum.toString('hex') }
}

/**
 * Checks a backup and unpacks its SQLite file, which must not be used before this has resolved.
 * @throws BackupError
 */
export async function unpackBackup(
  source: string,
  target: string,
  options: { readonly passphrase?: string | undefined } = {},
): Promise<BackupHeader> {
  const size = await sizeOf(source)
  const { header, head } = await readHead(source)
  await requireSum(source, size)
  const { encryption } = header
  const end = size - SUM_BYTES - (encryption === undefined ? 0 : TAG_BYTES) - 1
  const body = createReadStream(source, { start: head.length, end })
  const out = createWriteStream(target, { mode: 0o600 })
  if (encryption === undefined) {
    await pipeline(body, createGunzip(), out)
    return header
  }
  const { passphrase } = options
  if (passphrase === undefined)
    throw new BackupError('BACKUP_PASSPHRASE', 'the backup is encrypted; give its passphrase')
  const key = await keyOf(passphrase, Buffer.from(encryption.salt, 'base64url'))
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(encryption.iv, 'base64url'), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(head).setAuthTag(await readAt(source, end + 1, TAG_BYTES))
  try {
    await pipeline(body, decipher, createGunzip(), out)
  } catch (error) {
    throw new BackupError('BACKUP_PASSPHRASE', 'the passphrase is another one, or the backup was changed', error)
  }
  return header
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    throw new BackupError('BACKUP_UNREADABLE', `the backup ${path} cannot be read`, error)
  }
}

async function readHead(path: string): Promise<{ header: BackupHeader; head: Buffer }> {
  const begin = await readAt(path, 0, HEADER_MAX)
  const lineEnd = begin.indexOf('\n')
  if (lineEnd < 0 || begin.toString('latin1', 0, MARK.length) !== MARK) {
    throw new BackupError('BACKUP_INVALID', `${path} is not a backup of a gateway`)
  }
  const head = begin.subarray(0, lineEnd + 1)
  try {
    return { header: JSON.parse(head.toString('utf8', MARK.length)), head }
  } catch (error) {
    throw new BackupError('BACKUP_INVALID', `the beginning of the backup ${path} is damaged`, error)
  }
}

async function requireSum(path: string, size: number): Promise<void> {
  const hash = createHash('sha256')
  const end = size - SUM_BYTES - 1
  if (end > 0) for await (const chunk of createReadStream(path, { end })) hash.update(chunk)
  const sum = await readAt(path, Math.max(0, size - SUM_BYTES), SUM_BYTES)
  if (!hash.digest().equals(sum)) {
    throw new BackupError('BACKUP_INVALID', `the backup ${path} is damaged: its checksum does not fit`)
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
