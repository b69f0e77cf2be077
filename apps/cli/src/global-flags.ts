import { Flags } from '@oclif/core'

const helpGroup = 'GLOBAL'

/** Flags of every command. */
export const globalFlags = {
  json: Flags.boolean({ description: 'print the result as JSON', helpGroup }),
  'no-color': Flags.boolean({ description: 'print no colours (also NO_COLOR)', helpGroup }),
  verbose: Flags.boolean({ description: 'print more about errors: request id, causes', helpGroup }),
}

/** Flags of every command that talks to a gateway. */
export const connectionFlags = {
  url: Flags.string({ description: 'URL of the gateway (also MCPP_URL)', helpValue: 'URL', helpGroup }),
  'api-key': Flags.string({ description: 'API key (also MCPP_API_KEY)', helpValue: 'KEY', helpGroup }),
  token: Flags.string({ description: 'access token (also MCPP_TOKEN)', helpValue: 'TOKEN', helpGroup }),
  profile: Flags.string({ description: 'profile to use (also MCPP_PROFILE)', helpValue: 'NAME', helpGroup }),
}
