import { AuthUnavailableError } from '../errors.js'
import { parseStrictJson } from '../strict-json.js'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024

/** Fetches. The gateway passes one that refuses private addresses; redirects must not be followed. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>

/**
 * Reads a JSON document of another issuer: no redirects, 5 s, 256 KiB.
 * @throws AuthUnavailableError, SyntaxError, and whatever `fetch` throws
 */
export async function fetchJson(fetch: FetchFunction, url: string): Promise<unknown> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
  const text = await readLimited(response)
  if (response.status !== 200) throw new AuthUnavailableError(`${url} answered ${response.status}`)
  return parseStrictJson(text)
}

async function readLimited(response: Response): Promise<string> {
  if (response.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body) {
    size += chunk.byteLength
    if (size > MAX_BYTES) throw new AuthUnavailableError(`the answer has more than ${MAX_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
