import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../errors.js'

/**
 * Makes a folder (mode 0700) and those above it that are missing.
 * Node's own `recursive` tries for ever where the file system says ENOENT to the first missing folder, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') return
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path) throw error
    await makeFolder(above)
    await makeLast(path)
  }
}

async function makeLast(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    // Another process was faster.
    if (systemCode(error) !== 'EEXIST') throw error
  }
}
