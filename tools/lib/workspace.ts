import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The root of this clone. */
export const root: string = join(import.meta.dirname, '..', '..')

/** The parts of a package.json that the checks look at. */
export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly description?: string
  readonly license?: string
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly engines?: Readonly<Record<string, string>>
}

/** A package of this workspace. */
export interface WorkspacePackage {
  /** Absolute. */
  readonly dir: string
  /** `packages/balancer`. */
  readonly path: string
  readonly manifest: Manifest
}

/** The packages directly below `packages/`, `apps/`, … in alphabetical order. */
export function packagesIn(...folders: readonly string[]): readonly WorkspacePackage[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .sort()
      .map((name) => `${folder}/${name}`)
      .filter((path) => existsSync(join(root, path, 'package.json')))
      .map((path) => ({ dir: join(root, path), path, manifest: readManifest(join(root, path, 'package.json')) })),
  )
}

/** Reads a package.json. */
export function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8'))
}
