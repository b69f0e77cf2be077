import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Stoppable, stoppable } from './lifecycle.js'

/** A fresh empty folder; `stop()` removes it with everything inside. */
export interface TempDir extends Stoppable {
  readonly path: string
}

/** Creates a {@link TempDir} below the system's folder for temporary files. */
export async function tempDir(prefix = 'mcpp-test-'): Promise<TempDir> {
  const path = await realpath(await mkdtemp(join(tmpdir(), prefix)))
  return { path, ...stoppable(() => rm(path, { recursive: true, force: true, maxRetries: 3 })) }
}
