import { Args } from '@oclif/core'

/**
 * A positional argument, taken from the command line only. Where one is missing, oclif would take what is piped in for it:
 * `something | mcpp gateway list` would look for a template of that name.
 */
export const argument: typeof Args.string = Args.custom<string>({ ignoreStdin: true })
