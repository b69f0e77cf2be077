/*
 * Why: what we test is the workspace, what people install is a tarball, and the two differ: files left out, an `exports` entry that
 * points nowhere, types that do not resolve, `workspace:` versions. So each published package is packed as it would be published,
 * and publint and arethetypeswrong look at the tarball (`attw --pack` would use npm pack and see `catalog:`). ESM-only is our
 * choice, hence the profile; the client is dual and must be right under every resolution. A package with a command and nothing to
 * import has no types to be wrong.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tally } from './lib/tally.ts'
import { type Manifest, packagesIn, readManifest, root, type WorkspacePackage } from './lib/workspace.ts'

const DUAL = new Set(['@mcp-platform/client'])
const tally = new Tally()
const folder = mkdtempSync(join(tmpdir(), 'mcpp-packages-'))
try {
  const published = packagesIn('packages', 'apps').filter(({ manifest }) => manifest.private !== true)
  await inPairs(published, checkPackage)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
tally.finish()

async function checkPackage(member: WorkspacePackage): Promise<void> {
  const { name } = member.manifest
  tally.check(changelogFaults(member))
  const packed = await pack(member)
  if (packed.error !== undefined) {
    tally.fail(`${name}: pnpm pack failed: ${packed.error}`)
    return
  }
  const { tarball, unpacked } = packed
  tally.check(contentFaults(name, unpacked))
  tally.check(await toolFaults(`${name}: publint`, 'publint', [tarball, '--strict']))
  if (member.manifest.exports?.['.'] === undefined) return
  const profile = DUAL.has(name) ? [] : ['--profile', 'esm-only']
  tally.check(await toolFaults(`${name}: attw`, 'attw', [tarball, '--no-emoji', '--no-color', ...profile]))
}

/** A version that `changeset version` did not write would be skipped or released twice by it. */
function changelogFaults({ dir, manifest: { name, version } }: WorkspacePackage): string[] {
  const path = join(dir, 'CHANGELOG.md')
  if (!existsSync(path)) return [`${name}: has no CHANGELOG.md; run changeset version`]
  const newest = /^## (\S+)/m.exec(readFileSync(path, 'utf8'))?.[1]
  return newest === version ? [] : [`${name}: is ${version}, but its CHANGELOG.md begins with ${newest}`]
}

type Packed = { tarball: string; unpacked: string; error?: undefined } | { error: string }

async function pack({ dir, manifest }: WorkspacePackage): Promise<Packed> {
  const out = mkdtempSync(join(folder, `${manifest.name.replace(/\W/g, '-')}-`))
  const [program, ...before] = pnpm()
  const { code, output } = await run(program, [...before, 'pack', '--pack-destination', out], dir)
  const tarball = readdirSync(out).find((file) => file.endsWith('.tgz'))
  if (code !== 0 || tarball === undefined) return { error: output }
  const extracted = await run('tar', ['-xzf', join(out, tarball), '-C', out], out)
  if (extracted.code !== 0) return { error: extracted.output }
  return { tarball: join(out, tarball), unpacked: join(out, 'package') }
}

/** The pnpm that runs us, since it need not be on PATH; else the one that is. */
function pnpm(): [string, ...string[]] {
  const path = process.env['npm_execpath'] ?? 'pnpm'
  return /\.[cm]?js$/.test(path) ? [process.execPath, path] : [path]
}

function contentFaults(name: string, unpacked: string): string[] {
  const files = readdirSync(unpacked, { recursive: true }).map(String)
  const manifest = readManifest(join(unpacked, 'package.json'))
  const missing = ['README.md', 'LICENSE'].filter((file) => !files.includes(file)).map((file) => `has no ${file}`)
  const stray = files
    .filter((file) => file.endsWith('.tsbuildinfo') || file.startsWith('test/'))
    .map((file) => `ships ${file}`)
  const fields = (['description', 'license', 'engines'] as const)
    .filter((field) => manifest[field] === undefined)
    .map((field) => `has no "${field}"`)
  return [...missing, ...stray, ...fields, ...protocolFaults(manifest), ...javascriptFaults(files)].map(
    (fault) => `${name} ${fault}`,
  )
}

function javascriptFaults(files: readonly string[]): string[] {
  return files.some((file) => file.startsWith('dist/') && file.endsWith('.js')) ? [] : ['ships no built JavaScript']
}

function protocolFaults({ dependencies, peerDependencies }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...peerDependencies })
    .filter(([, range]) => /^(workspace|catalog|file|link):/.test(range))
    .map(([dependency, range]) => `asks for ${dependency}@${range}, which nobody else can resolve`)
}

async function toolFaults(what: string, tool: string, args: readonly string[]): Promise<string[]> {
  const { code, output } = await run(join(root, 'node_modules/.bin', tool), args, root)
  return code === 0 ? [] : [`${what}: ${output}`]
}

function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(command, [...args], { cwd, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim()
      if (error === null) resolve({ code: 0, output })
      else resolve({ code: typeof error.code === 'number' ? error.code : 1, output: output || error.message })
    })
  })
}

/** Two at a time: the tools are slow to start and the machine is small. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}
