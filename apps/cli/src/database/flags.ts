import { Flags } from '@oclif/core'
import { configFileFlag, gatewayFlags } from '../gateway-flags.js'

/** Which database the commands of `gateway db` are about; each setting is also `MCP_GATEWAY_<NAME>`. */
export const databaseFlags = {
  database: gatewayFlags.database,
  'state-dir': gatewayFlags['state-dir'],
  'database-statement-timeout': gatewayFlags['database-statement-timeout'],
  ...configFileFlag,
}

/** Where the passphrase of a backup or an export comes from; never an argument, which every user of the machine can read. */
export const passphraseFlag = {
  'passphrase-file': Flags.string({
    description: 'file with the passphrase, - for standard input (also MCPP_BACKUP_PASSPHRASE)',
    helpValue: 'FILE',
  }),
}
