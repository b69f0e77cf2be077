import { Flags } from '@oclif/core'

/** Flag of the commands about the gateway of this machine. */
export const stateDirFlag = {
  'state-dir': Flags.string({
    description: 'state folder of the gateway (also MCP_GATEWAY_STATE_DIR, MCPP_STATE_DIR) [~/.mcpp]',
    helpValue: 'FOLDER',
  }),
}

/** Flags of the commands that end a gateway. */
export const stopFlags = {
  ...stateDirFlag,
  timeout: Flags.string({ description: 'seconds to let calls finish', helpValue: 'SECONDS', default: '60' }),
  force: Flags.boolean({ description: 'kill it when the time is up' }),
}
