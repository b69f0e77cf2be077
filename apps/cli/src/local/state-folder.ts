import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** The state folder: `--state-dir`, `$MCP_GATEWAY_STATE_DIR`, `$MCPP_STATE_DIR`, else `~/.mcpp`. Absolute. */
export function stateFolderOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(flag || env['MCP_GATEWAY_STATE_DIR'] || env['MCPP_STATE_DIR'] || join(homedir(), '.mcpp'))
}
