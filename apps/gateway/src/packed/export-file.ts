import { Readable, Writable } from 'node:stream'
import { packFile, unpackFile } from './packed-file.js'

/** Which export, and what protects it. */
export interface EncryptedExport {
  readonly file: string
  /** The document, as text. */
  readonly text: string
  readonly passphrase: string
  /** Version of the program that writes it, for the header. */
  readonly version: string
}

/** Writes an export as a file that only its passphrase opens, mode 0600. Errors of the file system pass through. */
export async function writeEncryptedExport({ file, text, passphrase, version }: EncryptedExport): Promise<void> {
  const header = { created_at: new Date().toISOString(), version }
  await packFile(Readable.from([Buffer.from(text, 'utf8')]), file, { kind: 'export', header, passphrase })
}

/**
 * Checks an encrypted export, its checksum before anything else, and gives the document as text.
 * @param passphrase asked once the file has turned out to be whole
 * @throws PackedFileError `EXPORT_UNREADABLE`, `EXPORT_INVALID`, `EXPORT_PASSPHRASE`
 */
export async function readEncryptedExport(
  file: string,
  passphrase: () => Promise<string | undefined>,
): Promise<string> {
  const chunks: Buffer[] = []
  const target = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk)
        done()
      },
    })
  await unpackFile(file, target, { kind: 'export', passphrase })
  return Buffer.concat(chunks).toString('utf8')
}
