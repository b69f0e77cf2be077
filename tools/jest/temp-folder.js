/*
 * Why: what a test writes outside its clone must be gone afterwards, also when a test fails half-way or forgets its folder. So each
 * run of jest has one folder for everything temporary, which `os.tmpdir()` names to tests and to the processes that they start;
 * jest's globalTeardown removes it whole.
 */
import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export default async function makeTempFolder() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mcpp-jest-')))
  await chmod(folder, 0o711) // A database server of another user must reach its files inside.
  process.env.TMPDIR = folder
  process.env.JEST_TEMP_FOLDER = folder
  // Hundreds of gateways are started, to answer a few calls each.
  process.env.MCP_GATEWAY_WARM_UP = '0'
}
