import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What is installed and where. */
export interface InstallOptions {
  readonly name: string
  /** Exact. */
  readonly version: string
  /** Is made; outside of any workspace. */
  readonly folder: string
  /** Added to npm's environment: `npm_config_registry` for another registry. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

/** A package that cannot be had; the message is a sentence for a person. */
export class PeerInstallError extends Error {
  readonly code = 'BENCH_PEER_INSTALL'
  readonly kind: 'missing' | 'unreachable' | 'other'

  constructor(kind: PeerInstallError['kind'], message: string) {
    super(message)
    this.name = 'PeerInstallError'
    this.kind = kind
  }
}

/** In milliseconds; a cold cache takes 15 seconds. */
const TIMEOUT_MS = 90_000
const FLAGS = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-package-lock',
  '--no-update-notifier',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=1000',
  '--loglevel=silent',
  '--json',
]
const MISSING: ReadonlySet<string> = new Set(['E404', 'ETARGET', 'ENOVERSIONS'])
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_SOCKET_TIMEOUT',
])

/**
 * Installs one version of a package from the npm registry with the npm of this machine, without running any of its scripts.
 * Returns the package's folder.
 * @throws PeerInstallError with a sentence that says what is missing
 */
export async function installPeer(options: InstallOptions): Promise<string> {
  const { name, version, folder } = options
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const outcome = await npm(['install', `${name}@${version}`, ...FLAGS], options)
  if (outcome.code !== undefined) throw refusal(outcome, options)
  const installed = join(folder, 'node_modules', name)
  const { version: found } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  if (found !== version) throw new PeerInstallError('other', `npm installed ${name}@${found} instead of ${version}`)
  return installed
}

interface NpmOutcome {
  /** Absent: all is well. */
  readonly code?: string | undefined
  readonly said: string
}

function npm(args: readonly string[], { folder, env, signal }: InstallOptions): Promise<NpmOutcome> {
  const options = { cwd: folder, env: { ...process.env, NODE_OPTIONS: '', ...env }, timeout: TIMEOUT_MS, signal }
  return new Promise((resolve) => {
    execFile('npm', [...args], options, (error, said) => {
      if (error === null) resolve({ said })
      else if (error.code === 'ENOENT') resolve({ code: 'NO_NPM', said })
      else resolve({ code: error.killed === true ? 'STOPPED' : (codeIn(said) ?? String(error.code)), said })
    })
  })
}

/** npm's own word for what went wrong. */
function codeIn(said: string): string | undefined {
  return /"code":\s*"([A-Z0-9_]+)"/.exec(said)?.[1]
}

function refusal({ code = '', said }: NpmOutcome, { name, version }: InstallOptions): PeerInstallError {
  const what = `${name}@${version}`
  if (MISSING.has(code)) return new PeerInstallError('missing', `the npm registry has no ${what} (${code})`)
  if (UNREACHABLE.has(code))
    return new PeerInstallError('unreachable', `the npm registry cannot be reached (${code}): ${what} is not installed`)
  if (code === 'NO_NPM') return new PeerInstallError('other', `there is no npm on PATH to install ${what} with`)
  if (code === 'STOPPED')
    return new PeerInstallError('other', `npm was stopped before ${what} was installed (limit ${TIMEOUT_MS / 1_000} s)`)
  return new PeerInstallError('other', `npm could not install ${what} (${code}) ${said.slice(0, 200)}`.trim())
}
