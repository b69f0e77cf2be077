/*
 * Why: the house stands on its floors. A balancer that imports the gateway "just for one type" cannot be installed alone any more,
 * and nobody notices until somebody tries. The linter sees one file at a time, so this script reads what no linter reads: the
 * manifests and the imports of all packages. It fails on an edge that ARCHITECTURE.md does not draw (upward, sideways, by path,
 * undeclared), on a value import where only types may pass, on an app imported by anybody but the CLI's lazy functions, on a
 * run-time dependency of a package that promises to have none, on `node:` below the root entry of health, and on import cycles
 * between the files of a package.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { cyclesOf } from './lib/cycles.ts'
import { type ImportStatement, importsOf, packageOf } from './lib/imports.ts'
import { Tally } from './lib/tally.ts'
import { packagesIn, root, type WorkspacePackage } from './lib/workspace.ts'

/** `value` may be imported freely, `type` by `import type` only, `lazy` by what a command loads with `import()` inside `run()`. */
type Edge = 'value' | 'type' | 'lazy'

const SCOPE = '@mcp-platform/'

/** ARCHITECTURE.md, "Who may import whom", by package name without its scope. */
const HOUSE: Readonly<Record<string, Readonly<Record<string, Edge>>>> = {
  balancer: {},
  health: {},
  'core-registry': {},
  auth: {},
  'mcp-upstream': {},
  contract: {},
  'mcp-bridge': { 'mcp-upstream': 'value' },
  discovery: { 'core-registry': 'type' },
  client: { contract: 'value', balancer: 'value', health: 'value' },
  'gateway-core': {
    balancer: 'value',
    health: 'value',
    'core-registry': 'value',
    'mcp-upstream': 'value',
    'mcp-bridge': 'value',
    contract: 'value',
    auth: 'type',
  },
  'store-kysely': { auth: 'type', 'core-registry': 'type', health: 'type', 'gateway-core': 'type' },
  gateway: {
    balancer: 'value',
    health: 'value',
    'core-registry': 'value',
    auth: 'value',
    'mcp-upstream': 'value',
    contract: 'value',
    'mcp-bridge': 'value',
    discovery: 'value',
    client: 'value',
    'gateway-core': 'value',
    'store-kysely': 'value',
  },
  cli: { client: 'value', contract: 'value', gateway: 'lazy' },
  dashboard: { client: 'value', contract: 'value' },
}

/** Packages that promise no run-time dependency at all. */
const BARE = new Set(['balancer', 'health', 'contract'])
/** Packages whose root entry runs in a browser or a worker too. */
const FREE_OF_NODE = new Set(['health'])

interface SourceFile {
  readonly file: string
  readonly imports: readonly ImportStatement[]
}

const tally = new Tally()
for (const member of packagesIn('packages', 'apps')) checkPackage(member)
tally.finish()

function checkPackage(member: WorkspacePackage): void {
  const name = member.manifest.name.replace(SCOPE, '')
  const allowed = HOUSE[name]
  if (allowed === undefined) {
    tally.fail(`${member.path}: ${member.manifest.name} has no floor; add it to HOUSE in tools/check-boundaries.ts`)
    return
  }
  const sources = readSources(member)
  tally.check(manifestFaults(member, allowed))
  const eager = reachedFrom(sources, (file) => file.startsWith(join(member.dir, 'src/commands/')))
  for (const source of sources) {
    const seen = { ...source, isEager: eager.has(source.file) }
    tally.check(source.imports.flatMap((found) => importFaults(member, allowed, seen, found)))
  }
  tally.check(cycleFaults(sources))
  if (BARE.has(name)) tally.check(bareFaults(member))
  if (FREE_OF_NODE.has(name)) tally.check(nodeFaults(member, sources))
}

function readSources({ dir }: WorkspacePackage): readonly SourceFile[] {
  return globSync('src/**/*.{ts,tsx}', { cwd: dir }).map((name) => {
    const file = join(dir, name)
    return { file, imports: importsOf(readFileSync(file, 'utf8')) }
  })
}

function manifestFaults({ path, manifest }: WorkspacePackage, allowed: Readonly<Record<string, Edge>>): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies })
    .filter((name) => name.startsWith(SCOPE) && !(name.replace(SCOPE, '') in allowed))
    .map((name) => `${path}/package.json depends on ${name}: that edge goes up or sideways`)
}

function importFaults(
  member: WorkspacePackage,
  allowed: Readonly<Record<string, Edge>>,
  { file, isEager }: SourceFile & { isEager: boolean },
  found: ImportStatement,
): string[] {
  const where = `${relative(root, file)}: import of '${found.specifier}'`
  if (found.specifier.startsWith('.')) {
    const target = resolve(dirname(file), found.specifier)
    return target.startsWith(join(member.dir, 'src')) ? [] : [`${where} leaves its package's src by path`]
  }
  const name = packageOf(found.specifier)
  if (name === undefined || name === member.manifest.name) return []
  if (!isDeclared(member, name)) return [`${where} is not among the dependencies of ${member.path}/package.json`]
  if (!name.startsWith(SCOPE)) return []
  return edgeFaults(allowed[name.replace(SCOPE, '')], found, isEager).map((fault) => `${where} ${fault}`)
}

function isDeclared({ manifest }: WorkspacePackage, name: string): boolean {
  return [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].some(
    (group) => group !== undefined && (name in group || `@types/${name}` in group),
  )
}

function edgeFaults(edge: Edge | undefined, { typeOnly, dynamic }: ImportStatement, isEager: boolean): string[] {
  if (edge === undefined) return ['goes up or sideways']
  if (edge === 'value' || typeOnly) return []
  if (edge === 'lazy') return dynamic || !isEager ? [] : ['is loaded with a command; it must be behind an import()']
  return ['must be an `import type`']
}

function cycleFaults(sources: readonly SourceFile[]): string[] {
  const graph = new Map(sources.map(({ file, imports }) => [file, localTargets(file, imports)]))
  return cyclesOf(graph).map((group) => `import cycle: ${group.map((file) => relative(root, file)).join(' → ')}`)
}

function localTargets(file: string, imports: readonly ImportStatement[]): string[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => resolve(dirname(file), specifier).replace(/\.js$/, '.ts'))
}

function bareFaults({ path, manifest }: WorkspacePackage): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).map(
    (name) => `${path} promises no run-time dependency, but has ${name}`,
  )
}

/** Another entry (health's `/node`) may import `node:`. */
function nodeFaults({ dir, path }: WorkspacePackage, sources: readonly SourceFile[]): string[] {
  const reached = reachedFrom(sources, (file) => file === join(dir, 'src/index.ts'))
  return sources.flatMap(({ file, imports }) => {
    const builtin = imports.find(({ specifier, typeOnly }) => !typeOnly && specifier.startsWith('node:'))
    if (builtin === undefined || !reached.has(file)) return []
    return [`${relative(root, file)} imports ${builtin.specifier}, reached from ${path}'s root entry`]
  })
}

/** Files that are loaded as soon as an entry is: along static imports of values. */
function reachedFrom(sources: readonly SourceFile[], isEntry: (file: string) => boolean): ReadonlySet<string> {
  const byFile = new Map(sources.map(({ file, imports }) => [file, imports]))
  const reached = new Set(sources.map(({ file }) => file).filter(isEntry))
  for (const file of reached) {
    const loaded = (byFile.get(file) ?? []).filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic)
    for (const target of localTargets(file, loaded)) reached.add(target)
  }
  return reached
}
