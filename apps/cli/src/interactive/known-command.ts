import type { Command, Config } from '@oclif/core'

/** A command of the program, as far as the prompt needs to know it. */
export interface KnownCommand {
  /** As typed in a shell: `gateway call`. */
  readonly name: string
  readonly summary: string
  /** By name, in their order. */
  readonly args: Command.Loadable['args']
  readonly flags: Command.Loadable['flags']
}

/** Every command that can be typed at the prompt; not the prompt itself. */
export function knownCommands(config: Config): KnownCommand[] {
  return config.commands
    .filter(({ id, hidden }) => hidden !== true && id !== 'interactive')
    .map(({ id, summary = '', args, flags }) => ({ name: id.replaceAll(':', ' '), summary, args, flags }))
}

/** True when the first argument is the name of a template. */
export function takesTemplate({ args }: KnownCommand): boolean {
  return Object.keys(args)[0] === 'template'
}
